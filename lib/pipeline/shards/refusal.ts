import type { SendingRefusal } from '../../providers/contract.ts';
import { safeText } from '../../records/errors.ts';
import type { Refusal } from '../../records/shard.ts';

/** Of what is kept of named lines in a shard's record, which may have 400 KB. Those beyond it are named again by the next sending. */
const maxNamedBytes = 64 * 1024;

/** What is kept of a refusal, fit to be stored. */
export function refusalOf(
  { code, message, refusedLines = [] }: SendingRefusal,
  reason: Refusal['reason'],
  providerBatchId: string | null = null,
): Refusal {
  const lines: Refusal['lines'] = [];
  let bytes = 0;
  for (const line of refusedLines) {
    const kept = { position: line.position, code: safeText(line.code), message: safeText(line.message) };
    bytes += Buffer.byteLength(JSON.stringify(kept));
    if (bytes > maxNamedBytes) break;
    lines.push(kept);
  }
  return { reason, code: safeText(code), message: safeText(message), lines, providerBatchId };
}
