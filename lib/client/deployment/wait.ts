import { type BatchStatus, hasEnded } from '../../records/openai-batch.ts';
import { waitSeconds } from '../../records/schedule.ts';
import { pause } from './pause.ts';

export interface Watch<Batch> {
  first: Batch;
  look: () => Promise<Batch>;
  /** Which failure of a look may pass; it is then repeated, several times at most. */
  mayPass: (error: unknown) => boolean;
  /** Called with the batch after each look. */
  onProgress?: ((batch: Batch) => void) | undefined;
  /** Between two looks. Default: a tenth of the time waited so far, at least 1 and at most 60. */
  intervalSeconds?: number | undefined;
  signal: AbortSignal;
}

const pauseBounds = { minSeconds: 1, maxSeconds: 60 };

/** Looks that may fail in a row, each with its client's own repetitions. */
const maxFailedLooks = 10;

/**
 * Looks at a batch until it has ended.
 *
 * @throws the signal's reason, and what the looks throw again and again.
 */
export async function untilEnded<Batch extends { status: BatchStatus }>(watch: Watch<Batch>): Promise<Batch> {
  const startedAtMs = Date.now();
  let batch = watch.first;
  let failedLooks = 0;
  watch.onProgress?.(batch);
  while (!hasEnded(batch.status)) {
    await pause(watch.intervalSeconds ?? nextPauseSeconds(startedAtMs), watch.signal);
    try {
      batch = await watch.look();
      failedLooks = 0;
    } catch (error) {
      failedLooks += 1;
      if (watch.signal.aborted || failedLooks > maxFailedLooks || !watch.mayPass(error)) throw error;
      continue;
    }
    watch.onProgress?.(batch);
  }
  return batch;
}

function nextPauseSeconds(startedAtMs: number): number {
  return waitSeconds((Date.now() - startedAtMs) / 1000, pauseBounds, Math.random());
}
