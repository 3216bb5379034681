import { z } from 'zod';
import type { SeededRandom } from '../../simulators/seeded-random.ts';

const chance = z.number().min(0).max(1);

/** How badly things go for a while: the chance of each trouble, for each request or call. */
export const faultRatesSchema = z.strictObject({
  /** A request to S3, DynamoDB, Step Functions or EventBridge is throttled, or answered with a 5xx. */
  refused: chance,
  /** Its connection is cut: before it took effect, after it, or in the middle of the answer. */
  cut: chance,
  /** It arrives late, by up to `slowMs`. */
  slow: chance,
  slowMs: z.number().nonnegative(),
  /** A function dies before it begins, or once its work is done and before it can say so. */
  dies: chance,
  /** A function is taken for dead and goes on: a stale worker. */
  outlives: chance,
  /** A function is called twice at once. */
  doubled: chance,
  /** An ObjectCreated event comes late, by up to `eventDelayMs`, and perhaps a second time. */
  eventLate: chance,
  eventDoubled: chance,
  eventDelayMs: z.number().nonnegative(),
});
export type FaultRates = z.infer<typeof faultRatesSchema>;

export const noFaults: FaultRates = {
  refused: 0,
  cut: 0,
  slow: 0,
  slowMs: 0,
  dies: 0,
  outlives: 0,
  doubled: 0,
  eventLate: 0,
  eventDoubled: 0,
  eventDelayMs: 0,
};

/** A fifth of the time nothing is wrong; else some troubles are frequent and others are absent. */
export function randomFaultRates(random: SeededRandom): FaultRates {
  if (random.next() < 0.2) return noFaults;
  const upTo = (most: number) => (random.next() < 0.5 ? 0 : random.next() * most);
  return {
    refused: upTo(0.2),
    cut: upTo(0.15),
    slow: upTo(0.3),
    slowMs: 100 + random.below(1_500),
    dies: upTo(0.2),
    outlives: upTo(0.2),
    doubled: upTo(0.3),
    eventLate: upTo(0.6),
    eventDoubled: upTo(0.6),
    eventDelayMs: random.below(4_000),
  };
}
