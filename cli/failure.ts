import { messageOf } from '../lib/core/errors.ts';

/** Says on standard error what went wrong, in one sentence; with BATCHDROP_DEBUG set, also where. */
export function reportFailure(error: unknown): void {
  console.error(`batchdrop: ${messageOf(error).replaceAll(/\s*\n\s*/g, ' ')}`);
  if (process.env.BATCHDROP_DEBUG) console.error(error);
}
