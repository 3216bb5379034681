import { expect, it } from 'vitest';
import { batchFrom } from '../../lib/client/batch.ts';
import type { BatchFields } from '../../lib/providers/shared/batch-fields.ts';
import { emptyBatch } from '../../lib/records/openai-batch.ts';

const fields: BatchFields = { ...emptyBatch('batch_1'), endpoint: null };

it('gives a batch without an endpoint the one that was asked for', () => {
  expect(batchFrom(fields, '/v1/messages')).toEqual({ ...emptyBatch('batch_1'), endpoint: '/v1/messages' });
});

it.each([
  ['status', 'thinking'],
  ['completed_at', '2026-01-01'],
  ['request_counts', null],
  ['metadata', { team: 7 }],
])('vouches for no batch whose %s is not OpenAI’s', (name, value) => {
  const wrong = { ...fields, [name]: value } as BatchFields;

  expect(() => batchFrom(wrong, '/v1/messages')).toThrow('batch_1');
});
