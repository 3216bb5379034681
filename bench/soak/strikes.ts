import type { SeededRandom } from '../../simulators/seeded-random.ts';
import type { AwsCall } from './aws-call.ts';
import type { Strike } from './endpoint-proxy.ts';
import type { Weather } from './weather.ts';

/** Decides what the weather does to one request. */
export function strikeOf(weather: Weather, call: AwsCall, random: SeededRandom): Strike {
  const roll = random.next();
  if (roll < weather.refused) return { kind: 'refuse', how: random.pick(['throttled', 'failed']) };
  if (roll < weather.refused + weather.cut) return { kind: 'cut', when: cutOf(call, random) };
  if (roll < weather.refused + weather.cut + weather.slow)
    return { kind: 'slow', delayMs: random.below(weather.slowMs) };
  return { kind: 'pass' };
}

function cutOf(call: AwsCall, random: SeededRandom): 'before' | 'after' | 'midway' {
  return call.operation === 'GetObject' ? 'midway' : random.pick(['before', 'after']);
}

/** Longer than a lease, so that what a zombie writes arrives when others have taken over. */
const mostLateMs = 24_000;

/** A zombie reads at once and writes late: a few of its writes by so much that nobody expects them any more. */
export function lateStrike(call: AwsCall, random: SeededRandom): Strike {
  if (!call.isWrite || random.next() < 0.4) return { kind: 'pass' };
  const most = random.next() < 0.1 ? mostLateMs : 3_000;
  return { kind: 'slow', delayMs: random.below(most) };
}

/** How a strike is called in the summary. */
export function nameOfStrike(call: AwsCall, strike: Strike): string | null {
  switch (strike.kind) {
    case 'pass':
      return null;
    case 'refuse':
      return `${call.service} ${strike.how}`;
    case 'cut':
      return `${call.service} cut ${strike.when}`;
    case 'slow':
      return `${call.service} slow`;
  }
}
