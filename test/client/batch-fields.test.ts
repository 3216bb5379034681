import { expect, it } from 'vitest';
import { batchFieldsSchema } from '../../lib/providers/shared/batch-fields.ts';

it('reads what a server makes of OpenAI’s batch', () => {
  const batch = batchFieldsSchema.parse({
    id: 'batch_1',
    status: 'Completed',
    created_at: '2026-01-01T00:00:00Z',
    completed_at: 1_767_225_660.5,
    output_file_id: '',
    request_counts: null,
    usage: {},
    errors: { data: null },
    metadata: null,
    mine: 'kept',
  });

  expect(batch).toMatchObject({
    object: 'batch',
    status: 'completed',
    created_at: 1_767_225_600,
    completed_at: 1_767_225_660,
    output_file_id: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    usage: null,
    errors: null,
    mine: 'kept',
  });
});

it('takes a status that OpenAI does not have for work in progress', () => {
  expect(batchFieldsSchema.parse({ id: 'batch_1', status: 'thinking' }).status).toBe('in_progress');
});
