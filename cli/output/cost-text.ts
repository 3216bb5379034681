import type { Cost } from '../../lib/records/batch.ts';
import { dollarsText } from '../../lib/records/dollars.ts';
import { printable } from './printable.ts';
import { counted } from './quantities.ts';

/** Which prices dollars are. */
export const priceWords = {
  batch: ' at batch prices',
  single: ' at single-call prices',
  mixed: ' at batch and single-call prices',
} as const;

const maxNames = 2;

/** `$0.0012 at batch prices; simulated: openai`. A batch of before the ways were kept has the dollars alone. */
export function costText(cost: Cost | null): string {
  if (cost === null || cost.usd === null) return 'of unknown price';
  return `${dollarsText(cost.usd)}${cost.prices ? priceWords[cost.prices] : ''}${simulatedText(cost)}${lostText(cost)}`;
}

function lostText({ lost = 0 }: Cost): string {
  return lost === 0 ? '' : `; not in it: ${counted(lost, 'request')} whose result is lost, perhaps paid for`;
}

/** Whose dollars nobody pays. */
function simulatedText({ simulated = [] }: Cost): string {
  if (simulated.length === 0) return '';
  const names = simulated.length > maxNames ? `${simulated.length} accounts` : simulated.map(printable).join(', ');
  return `; simulated: ${names}`;
}
