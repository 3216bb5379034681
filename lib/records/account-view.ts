// zod/mini, as in openai-batch.ts.
import * as z from 'zod/mini';

const count = z.int();

/** What an operator sees of an account. A limit is null where none is set; what is not limited is not counted. */
const accountLoadSchema = z.object({
  running_batches: count.check(
    z.describe('Batches under way, of all tenants, that have requests there; the oldest two hundred are looked at'),
  ),
  open_batches: z.nullable(count).check(z.describe("Provider batches open there; null without 'concurrency'")),
  max_open_batches: z.nullable(count),
  queues: z.array(
    z.object({
      model: z.string(),
      tokens: count.check(z.describe('Prompt tokens that wait there, as estimated')),
      batches: count,
      max_tokens: z.nullable(count),
    }),
  ),
  creates_this_hour: z.nullable(count),
  max_creates_per_hour: z.nullable(count),
  waiting_tenants: count.check(z.describe('Tenants that wait for a place')),
  last_error: z
    .nullable(
      z.object({
        message: z.string(),
        since: count.check(z.describe('Unix timestamp, in seconds')),
        tries: count,
        tenant: z.string(),
        batch_id: z.string(),
      }),
    )
    .check(z.describe('Why the batch waits that has waited for this account longest')),
});

/** An account at a provider, as the configuration has it. */
export const accountViewSchema = z.object({
  object: z.literal('account'),
  id: z.string().check(z.describe('Its name in the configuration')),
  kind: z.string(),
  is_simulated: z.boolean().check(z.describe('Whether a simulator answers, and nobody pays')),
  is_live: z.boolean().check(z.describe('Whether its requests go one by one')),
  models: z
    .array(z.string())
    .check(z.describe('As the configuration routes them there; GET /v1/models has the known names')),
  operator: z.nullable(accountLoadSchema).check(z.describe("null for a tenant's key")),
});

export type AccountLoad = z.infer<typeof accountLoadSchema>;
export type AccountView = z.infer<typeof accountViewSchema>;
