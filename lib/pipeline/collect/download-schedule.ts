import type { BatchRecord } from '../../records/batch.ts';
import { NotFoundError, TransientError } from '../../records/errors.ts';
import { deferralSeconds } from '../../records/schedule.ts';
import type { ShardRecord, ShortDownload } from '../../records/shard.ts';
import type { Services } from '../services.ts';
import { closesAtMs } from '../shards/closing.ts';

/** When a download that lacks results, or is refused, is repeated: so long after the first one. */
const shortDownloadPauses: readonly number[] = [60, 5 * 60, 15 * 60];
/** Past the deadline, or once the batch is cancelled, such a download is repeated once more, after so long. */
const lastPauseSeconds = 60;
/** What fails for any other reason is given up so long after the deadline or the cancellation. */
const giveUpSeconds = 30 * 60;

/** Downloads after the first, where somebody asked for lost results to be read again. */
const maxRereadings = 4;

/** A download that came to its end and lacks results which the provider owes. */
export class ShortDownloadError extends TransientError {}

export interface Deferral {
  notBeforeMs: number;
  shortDownload: ShortDownload | null;
}

/** @returns when the results are asked for again; null where they are given up. */
export function nextDownload(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  error: unknown,
): Deferral | null {
  if (shard.rereads) return afterRereading(services, shard, error);
  const nowMs = services.now();
  const msPastClosing = nowMs - closesAtMs(batch);
  if (error instanceof ShortDownloadError || error instanceof NotFoundError)
    return afterShortDownload(shard, nowMs, msPastClosing >= 0);
  if (msPastClosing > giveUpSeconds * 1_000) return null;
  const pauseSeconds = deferralSeconds(shard.deferrals, services.config.polling.minSeconds, null);
  return { notBeforeMs: nowMs + pauseSeconds * 1_000, shortDownload: null };
}

/** Somebody asked for it and waits: what is still missing is said at once, and other trouble is waited for a few times. */
function afterRereading(services: Services, { deferrals }: ShardRecord, error: unknown): Deferral | null {
  if (error instanceof ShortDownloadError || error instanceof NotFoundError || deferrals >= maxRereadings) return null;
  const pauseSeconds = deferralSeconds(deferrals, services.config.polling.minSeconds, null);
  return { notBeforeMs: services.now() + pauseSeconds * 1_000, shortDownload: null };
}

function afterShortDownload(
  { shortDownloads, firstShortAtMs }: ShardRecord,
  nowMs: number,
  isClosed: boolean,
): Deferral | null {
  const pauseSeconds = shortDownloadPauses[shortDownloads];
  if (pauseSeconds === undefined) return null;
  const firstAtMs = firstShortAtMs ?? nowMs;
  if (isClosed)
    return {
      notBeforeMs: nowMs + lastPauseSeconds * 1_000,
      shortDownload: { count: shortDownloadPauses.length, firstAtMs },
    };
  return { notBeforeMs: firstAtMs + pauseSeconds * 1_000, shortDownload: { count: shortDownloads + 1, firstAtMs } };
}

/** Whether this download may be the last one, so that its bytes are kept in case results are lost. */
export function mayBeLast(services: Services, batch: BatchRecord, shard: ShardRecord): boolean {
  const isGivenUpNext = services.now() > closesAtMs(batch) + giveUpSeconds * 1_000;
  return shard.rereads !== null || shard.shortDownloads >= shortDownloadPauses.length || isGivenUpNext;
}
