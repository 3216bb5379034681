import { z } from 'zod';

/**
 * What a batch with a cap has spent and committed, in US dollars.
 *
 * Submit adds to it before each sending; Poll counts it anew from the shards' records.
 */
export const budgetSchema = z.object({
  version: z.number().int(),
  /** The round whose shards are counted. */
  round: z.number().int(),
  /** What all rounds before it have cost. */
  earlierUsd: z.number(),
  /** All that counts against the cap: `earlierUsd`, the round's shards and `reservations`. */
  committedUsd: z.number(),
  /** By `<set>/<shard>`: what was reserved since the last count, by shards whose records need not say it yet. */
  reservations: z.record(z.string(), z.number()),
});

export type Budget = z.infer<typeof budgetSchema>;

/** Dollars as budgets hold them: to the billionth of a thousandth, so that sums of them are not off by what a float is. */
export function budgetDollars(usd: number): number {
  return Number(usd.toFixed(12));
}
