import { describe, expect, it } from 'vitest';
import { batchObjectSchema, providerBatchFrom } from '../../lib/providers/openai-family/batch-object.ts';
import { togetherDialect } from '../../lib/providers/together/dialect.ts';
import { connect, ended, noAbort, sendingOf, submit } from './support/connected-provider.ts';

const job = {
  id: 'job-1',
  input_file_id: 'file-1',
  status: 'IN_PROGRESS',
  created_at: '2026-11-25T10:00:00.000Z',
  job_deadline: '2026-11-26T10:00:00Z',
  endpoint: '/v1/chat/completions',
  model_id: 'org/model',
};

function read(reply: object) {
  return providerBatchFrom(batchObjectSchema.parse(togetherDialect.batchFrom(reply)), togetherDialect);
}

describe('a batch of Together', () => {
  it('is wrapped where it was created, and nowhere else', () => {
    const expected = { providerBatchId: 'job-1', phase: 'in_progress', isKnownStatus: true, counts: null };

    expect(read({ job, warning: 'slow' })).toMatchObject(expected);
    expect(read(job)).toMatchObject(expected);
  });

  it.each([
    ['VALIDATING', 'validating'],
    ['COMPLETED', 'completed'],
    ['FAILED', 'failed'],
    ['EXPIRED', 'expired'],
    ['CANCELLED', 'cancelled'],
  ])('that is %s is %s to us', (status, phase) => {
    expect(read({ ...job, status })).toMatchObject({ phase, isKnownStatus: true });
  });

  it('says why it failed', () => {
    expect(read({ ...job, status: 'FAILED', error: 'Bad line 3' }).failure).toEqual({
      code: 'batch_failed',
      message: 'Bad line 3',
      isQueueFull: false,
    });
  });

  it('is described in OpenAI’s words', async () => {
    const connection = await connect('together');
    const id = await submit(connection, sendingOf('together', ['x']));
    await ended(connection, id);

    expect(await connection.client.describe(id, noAbort)).toMatchObject({
      id,
      object: 'batch',
      status: 'completed',
      model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
      created_at: expect.any(Number),
      metadata: null,
    });
  });
});
