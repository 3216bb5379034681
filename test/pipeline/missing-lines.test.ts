import { expect, it } from 'vitest';
import { missingLines } from '../../lib/pipeline/collect/missing-lines.ts';
import type { ProviderBatch } from '../../lib/providers/contract.ts';
import { cancelledEnd, type ShardEnd } from '../../lib/records/shard.ts';

const nothingRead = { resultsRead: 0, answered: 0, succeeded: 0, malformed: 0 };
const shard = { lineCount: 2, providerBatchId: 'batch_1', rereads: null };
const expiredEnd: ShardEnd = { reason: 'expired', code: 'batch_expired', message: 'It was too late.' };

function batchIn(phase: ProviderBatch['phase']): ProviderBatch {
  const counts = { total: 2, completed: 0, failed: 0 };
  const known = { status: phase, isKnownStatus: true, counts, expectedResults: 0, resultRefs: [], failure: null };
  return { providerBatchId: 'batch_1', phase, ...known };
}

const mayBePaid = expect.stringContaining('it may be executed and paid for all the same');

it.each([
  ['runs on', batchIn('in_progress')],
  ['cannot be seen', null],
])('a request is not called unexecuted while the batch of its provider %s', (_name, found) => {
  const cancelled = missingLines(shard, cancelledEnd, found, nothingRead, null);
  const expired = missingLines(shard, expiredEnd, found, nothingRead, null);
  expect(cancelled).toEqual({ code: 'batch_cancelled', message: mayBePaid, isLost: true, isRetryable: false });
  expect(cancelled.message).not.toContain('not executed');
  expect(expired).toEqual({ code: 'batch_expired', message: mayBePaid, isLost: true, isRetryable: false });
  expect(expired.message).toContain('It was too late.');
});

it('a request was not executed where its provider counts none and has cancelled its batch', () => {
  const missing = missingLines(shard, cancelledEnd, batchIn('cancelled'), nothingRead, null);
  expect(missing).toEqual({ ...said(cancelledEnd), isLost: false, isRetryable: false });
});

it('a request that was never sent was not executed', () => {
  const unsent = { ...shard, providerBatchId: null };
  const missing = missingLines(unsent, cancelledEnd, null, nothingRead, null);
  expect(missing).toEqual({ ...said(cancelledEnd), isLost: false, isRetryable: false });
});

function said({ code, message }: ShardEnd) {
  return { code, message };
}
