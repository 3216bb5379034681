import { hasEnded } from '../../lib/records/openai-batch.ts';
import type { Batch, Cost } from '../api/batch.ts';
import { counted, percentText } from './numbers.ts';
import { durationText, nowSeconds } from './times.ts';

export function isRunning({ status }: Batch): boolean {
  return !hasEnded(status);
}

export function isDryRun({ batchdrop }: Batch): boolean {
  return batchdrop.options?.dry_run === true;
}

export function nameOf({ id, batchdrop }: Batch): string {
  return batchdrop.name ?? id;
}

/** What a status means for whoever looks: whether to be pleased, to look closer, or to wait. */
export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'calm';

export function toneOf(batch: Batch): Tone {
  switch (batch.status) {
    case 'completed':
      return batch.request_counts.failed > 0 ? 'warn' : 'good';
    case 'failed':
    case 'expired':
      return 'bad';
    case 'cancelled':
    case 'cancelling':
      return 'calm';
    case 'validating':
    case 'in_progress':
    case 'finalizing':
      return batch.batchdrop.waiting ? 'warn' : 'busy';
  }
}

export function statusText(batch: Batch): string {
  const said = batch.status.replace('_', ' ');
  if (isDryRun(batch)) return isRunning(batch) ? `dry run: ${said}` : 'dry run';
  return batch.batchdrop.waiting && isRunning(batch) ? 'waiting' : said;
}

export function endedAt(batch: Batch): number | null {
  return batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at;
}

/** Whether nobody is billed for a part of these dollars. */
export function isSimulated(cost: Cost | null | undefined): boolean {
  return (cost?.simulated ?? []).length > 0;
}

/** What an estimate of the time left rests on; `left` is null where there is nothing to estimate from. */
export interface TimeLeft {
  left: string | null;
  basis: string;
}

/** Fewer answers say too little about the others. */
const minShare = 0.02;

/** Extrapolates from what is answered; providers' batches end in lumps, so this is no promise and says what it rests on. */
export function timeLeft(batch: Batch, now = nowSeconds()): TimeLeft | null {
  if (!isRunning(batch)) return null;
  const { total, completed, failed } = batch.request_counts;
  const begun = batch.in_progress_at;
  const latest = batch.expires_at === null ? '' : `; its deadline is in ${durationText(batch.expires_at - now)}`;
  const done = completed + failed;
  if (begun === null || total === 0 || done / total < minShare)
    return { left: null, basis: `Too few requests have ended to estimate from${latest}.` };
  const elapsed = Math.max(1, now - begun);
  const seconds = (elapsed / done) * (total - done);
  return {
    left: `about ${durationText(roundly(seconds))}`,
    basis: `${percentText(done, total)} of ${counted(total, 'request')} took ${durationText(elapsed)}; the rest at the same pace${latest}.`,
  };
}

/** To two digits, since it is no better known. */
function roundly(seconds: number): number {
  if (seconds < 100) return seconds;
  const unit = 10 ** (Math.floor(Math.log10(seconds)) - 1);
  return Math.round(seconds / unit) * unit;
}
