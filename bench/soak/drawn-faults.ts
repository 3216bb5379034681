import type { SeededRandom } from '../../simulators/seeded-random.ts';
import type { AwsCall } from './aws-call.ts';
import type { DrawnFault } from './endpoint-proxy.ts';
import type { FaultRates } from './fault-rates.ts';

/** Decides what happens to one request. */
export function drawFault(rates: FaultRates, call: AwsCall, random: SeededRandom): DrawnFault {
  const roll = random.next();
  if (roll < rates.refused) return { kind: 'refuse', how: random.pick(['throttled', 'failed']) };
  if (roll < rates.refused + rates.cut) return { kind: 'cut', when: cutOf(call, random) };
  if (roll < rates.refused + rates.cut + rates.slow) return { kind: 'slow', delayMs: random.below(rates.slowMs) };
  return { kind: 'pass' };
}

function cutOf(call: AwsCall, random: SeededRandom): 'before' | 'after' | 'midway' {
  return call.operation === 'GetObject' ? 'midway' : random.pick(['before', 'after']);
}

/** Longer than a lease, so that what a stale worker writes arrives when others have taken over. */
const mostLateMs = 24_000;

/** A stale worker reads at once and writes late: a few of its writes by so much that nobody expects them any more. */
export function drawDelay(call: AwsCall, random: SeededRandom): DrawnFault {
  if (!call.isWrite || random.next() < 0.4) return { kind: 'pass' };
  const most = random.next() < 0.1 ? mostLateMs : 3_000;
  return { kind: 'slow', delayMs: random.below(most) };
}

/** How a fault is called in the summary. */
export function nameOfFault(call: AwsCall, fault: DrawnFault): string | null {
  switch (fault.kind) {
    case 'pass':
      return null;
    case 'refuse':
      return `${call.service} ${fault.how}`;
    case 'cut':
      return `${call.service} cut ${fault.when}`;
    case 'slow':
      return `${call.service} slow`;
  }
}
