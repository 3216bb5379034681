// zod/mini, as in openai-batch.ts.
import * as z from 'zod/mini';
import { shardStatuses } from './shard-status.ts';
import { usageSchema } from './usage.ts';

const count = z.int();
const moment = z.nullable(z.int()).check(z.describe('Unix timestamp, in seconds'));

/** A shard as the API shows it. */
export const shardViewSchema = z.object({
  object: z.literal('batch.shard'),
  id: z.string().check(z.describe('Its round and its number, as `0-12`')),
  round: count.check(z.describe('0 for the first sending, then one for each further round')),
  shard: count,
  status: z
    .enum(shardStatuses)
    .check(z.describe('`split`: its provider took none of it, and the shards of `parts` have its requests now')),
  provider: z.nullable(z.string()).check(z.describe('null for the lines that validation refused')),
  model: z.string(),
  endpoint: z.string(),
  is_live: z.boolean().check(z.describe('Whether its requests go one by one')),
  is_simulated: z.boolean(),
  provider_batch_id: z.nullable(z.string()),
  provider_status: z.nullable(z.string()),
  attempts: count.check(z.describe('How often its sending was begun')),
  requests: count,
  completed: count,
  failed: count,
  retryable: count.check(z.describe('How many of the failed may succeed if they are sent again')),
  lost: count.check(
    z.describe('How many of the failed may have been paid for although their answers could not be had'),
  ),
  waiting: z
    .nullable(
      z.object({
        reason: z.string(),
        since: moment,
        tries: count.check(z.describe('How often it was tried in vain, in a row')),
        next_at: z.nullable(z.int()).check(z.describe('Unix timestamp, in seconds; null where the next look decides')),
      }),
    )
    .check(z.describe('Why it makes no progress; null while it does')),
  last_error: z.nullable(z.string()),
  created_at: z.nullable(z.int()).check(z.describe('Unix timestamp, in seconds; null for a shard of a further round')),
  submitted_at: moment,
  ended_at: moment,
  collected_at: moment,
  end: z
    .nullable(z.object({ reason: z.string(), code: z.string() }))
    .check(z.describe('How its sending ended; the errors of its requests have the words')),
  estimated_input_tokens: count,
  usage: z.nullable(usageSchema).check(z.describe('Once it is collected')),
  cost_usd: z.nullable(z.number()).check(z.describe('Once it is collected; null where a price is unknown')),
  parts: z.nullable(z.array(count)).check(z.describe('Shards of the same round; null for one that was not split')),
  part_of: z.nullable(count).check(z.describe('The shard of which it is a part')),
});

export type ShardView = z.infer<typeof shardViewSchema>;

/** What requests of one account, model and endpoint have used and cost. */
export const breakdownSchema = z.object({
  provider: z.string(),
  model: z.string(),
  endpoint: z.string(),
  is_simulated: z.boolean(),
  requests: count,
  completed: count,
  failed: count,
  usage: usageSchema,
  cost: z.object({
    usd: z.nullable(z.number()),
    unpriced: z.array(z.string()),
    prices: z.optional(z.enum(['batch', 'single', 'mixed'])),
    simulated: z.optional(z.array(z.string())),
    lost: z.optional(count),
  }),
});

export type Breakdown = z.infer<typeof breakdownSchema>;
