import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BatchRecord,
  batchRecordSchema,
  beginCancelling,
  beginFinalizing,
  beginProgress,
  closeAtValidation,
  endBatch,
  openRound,
} from '../../lib/records/batch.ts';
import { ConflictError } from '../../lib/records/errors.ts';
import { batchStatuses, hasEnded } from '../../lib/records/openai-batch.ts';

const fresh: BatchRecord = batchRecordSchema.parse({
  id: `batch_${'0'.repeat(32)}`,
  tenant: 'default',
  version: 0,
  status: 'validating',
  epoch: 0,
  endpoint: null,
  model: null,
  options: {},
  parametersHash: '',
  inputFileId: '',
  input: [],
  inboxKey: null,
  createdAt: 0,
  deadlineAt: 100,
  inProgressAt: null,
  finalizingAt: null,
  completedAt: null,
  failedAt: null,
  expiredAt: null,
  cancellingAt: null,
  cancelledAt: null,
  verdict: null,
  errors: [],
  errorCount: 0,
  warningCount: 0,
  rounds: [],
  counts: { total: 0, completed: 0, failed: 0 },
  usage: null,
  cost: null,
  report: null,
  outputFileId: null,
  errorFileId: null,
  eventSentAtMs: null,
  retryFile: null,
  looks: null,
  sidecarEtag: null,
  latestSidecarEtag: null,
});

const settled = { completed: 0, failed: 0 };

const moves: Record<string, (batch: BatchRecord) => BatchRecord> = {
  accept: (batch) => beginProgress(batch, 1, { rounds: [{ token: 't', shards: 1, settled }] }),
  refuse: (batch) => closeAtValidation(batch, 'failed', {}),
  beginFinalizing: (batch) => beginFinalizing(batch, 2),
  openRound: (batch) => openRound(batch, batch.rounds.length, { token: 'u', shards: 1, settled }),
  cancel: (batch) => {
    try {
      return beginCancelling(batch, 3);
    } catch (error) {
      expect(error).toBeInstanceOf(ConflictError);
      return batch;
    }
  },
  complete: (batch) => endBatch(batch, 'completed', 4, {}),
  expire: (batch) => endBatch(batch, 'expired', 4, {}),
  fail: (batch) => endBatch(batch, 'failed', 4, {}),
  endCancelled: (batch) => endBatch(batch, 'cancelled', 4, {}),
};

describe('a batch', () => {
  it('only moves forward, and not at all once it has ended', () => {
    const names = fc.array(fc.constantFrom(...Object.keys(moves)), { maxLength: 20 });
    const rank = {
      validating: 0,
      in_progress: 1,
      finalizing: 2,
      cancelling: 3,
      failed: 4,
      completed: 4,
      expired: 4,
      cancelled: 4,
    };
    fc.assert(
      fc.property(names, (sequence) => {
        let batch = fresh;
        for (const name of sequence) {
          const next = moves[name]?.(batch) ?? batch;
          expect(rank[next.status]).toBeGreaterThanOrEqual(rank[batch.status]);
          if (hasEnded(batch.status)) expect(next).toEqual(batch);
          batch = next;
        }
      }),
    );
  });

  it('refuses to cancel what has ended otherwise, in OpenAI words', () => {
    const completed = endBatch(fresh, 'completed', 1, {});
    expect(() => beginCancelling(completed, 2)).toThrow("Cannot cancel a batch with status 'completed'.");
    const cancelled = endBatch(fresh, 'cancelled', 1, {});
    expect(beginCancelling(cancelled, 2)).toBe(cancelled);
  });

  it('opens a round once, whoever asks twice', () => {
    const open = beginProgress(fresh, 1, { rounds: [{ token: 'a', shards: 1, settled }] });
    const next = openRound(open, 1, { token: 'b', shards: 2, settled });
    expect(openRound(next, 1, { token: 'c', shards: 2, settled })).toBe(next);
  });

  it('knows for every status whether it is an end', () => {
    expect(batchStatuses.filter(hasEnded)).toEqual(['failed', 'completed', 'expired', 'cancelled']);
  });
});
