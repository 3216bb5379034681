import { Hono } from 'hono';
import { z } from 'zod';
import { batchIdPattern, tenantPattern } from '../records/ids.ts';
import { fillUsage, sumUsage, type UsageGroup, type UsageRow, usageGroups, usualDays } from '../service/usage.ts';
import type { UsagePlace } from '../store/usage-records.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { readQuery } from './list-object.ts';
import { revalidated } from './revalidated.ts';
import { assertOperator, tenantAsked } from './tenant-asked.ts';

/** Groups within groups; more would be a table of the batches themselves. */
const maxGroups = 3;

const groupSchema = z.union([z.enum(usageGroups), z.templateLiteral(['metadata.', z.string().min(1).max(64)])]);

export const usageQuerySchema = z.object({
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  by: z.string().default('day'),
  tenant: z.string().max(63).optional(),
  after: z.string().max(400).optional(),
});

export const fillUsageQuerySchema = z.object({ tenant: z.string().max(63).optional(), after: z.string().optional() });

const rowSchema = z.object({
  group: z.record(z.string(), z.string().nullable()),
  requests: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  input_tokens: z.number().int(),
  cached_tokens: z.number().int(),
  cache_write_tokens: z.number().int(),
  output_tokens: z.number().int(),
  reasoning_tokens: z.number().int(),
  usd: z.number().describe('US dollars of all that has a known price'),
  simulated_usd: z.number().describe('What simulators answered would have cost; not in `usd`'),
  unpriced: z.array(z.string()).describe('Models without a known price, the first twenty'),
});

export const usageSchema = z
  .object({
    object: z.literal('usage'),
    from: z.string(),
    to: z.string(),
    by: z.array(z.string()),
    tenant: z.string().nullable().describe('null for all tenants'),
    data: z.array(rowSchema),
    next: z.string().nullable().describe('To be given as `after`; the sums of all pages are to be added up'),
  })
  .meta({ id: 'Usage' });

export const filledUsageSchema = z
  .object({
    object: z.literal('usage.fill'),
    batches: z.number().int().describe('That were looked at'),
    next: z.string().nullable().describe('To be given as `after`'),
  })
  .meta({ id: 'FilledUsage' });

/** `/v1/usage` */
export function usageRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.get('/', revalidated, async (context) => {
    const query = readQuery(context.req.query(), usageQuerySchema);
    const { services } = context.var;
    const by = groupsOf(query.by);
    const tenant = tenantsAsked(context, query.tenant ?? (by.includes('tenant') ? '*' : undefined));
    const days = { ...usualDays(services), ...withoutUndefined({ from: query.from, to: query.to }) };
    if (days.from > days.to) {
      const message = `'from' (${days.from}) is after 'to' (${days.to}): say both.`;
      throw new ApiError(400, message, { param: 'from', code: 'invalid_value' });
    }
    const after = query.after === undefined ? null : placeFrom(query.after, { tenant, ...days });
    const { rows, next } = await sumUsage(services, { tenant, ...days, by, after });
    return context.json({
      object: 'usage',
      ...days,
      by: [...by],
      tenant,
      data: rows.map(rowView),
      next: next && cursorOf(next),
    } satisfies z.input<typeof usageSchema>);
  });

  routes.post('/fill', async (context) => {
    const query = readQuery(context.req.query(), fillUsageQuerySchema);
    const tenant = tenantsAsked(context, query.tenant);
    if (tenant === null)
      throw new ApiError(400, 'Usage is filled for one tenant at a time: name it.', {
        param: 'tenant',
        code: 'invalid_value',
      });
    const { batches, after } = await fillUsage(context.var.services, tenant, query.after);
    return context.json({ object: 'usage.fill', batches, next: after } satisfies z.input<typeof filledUsageSchema>);
  });

  return routes;
}

function groupsOf(text: string): UsageGroup[] {
  const groups = text.split(',').map((group) => groupSchema.safeParse(group.trim()));
  const read = groups.flatMap((group) => (group.success ? [group.data] : []));
  if (read.length === groups.length && read.length <= maxGroups && new Set(read).size === read.length) return read;
  const message = `Invalid value: '${text.slice(0, 200)}'. 'by' has one to ${maxGroups} of ${usageGroups.join(', ')} and metadata.<name>, with commas between.`;
  throw new ApiError(400, message, { param: 'by', code: 'invalid_value' });
}

/**
 * @param asked a tenant's name, or a star for all.
 * @returns null for all tenants.
 */
function tenantsAsked(context: ApiContext, asked: string | undefined): string | null {
  if (asked !== '*') return tenantAsked(context, asked);
  assertOperator(context);
  return null;
}

function withoutUndefined(days: { from: string | undefined; to: string | undefined }): { from?: string; to?: string } {
  return { ...(days.from !== undefined && { from: days.from }), ...(days.to !== undefined && { to: days.to }) };
}

const placeSchema = z.tuple([z.string().regex(tenantPattern), z.iso.date(), z.string().regex(batchIdPattern)]);

function cursorOf({ tenant, day, batchId }: UsagePlace): string {
  return Buffer.from(JSON.stringify([tenant, day, batchId])).toString('base64url');
}

/** @throws ApiError for what is no cursor of ours, or leads to another tenant or to other days. */
function placeFrom(cursor: string, asked: { tenant: string | null; from: string; to: string }): UsagePlace {
  const read = placeSchema.safeParse(parsed(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (read.success) {
    const [tenant, day, batchId] = read.data;
    const isOfTenant = asked.tenant === null || tenant === asked.tenant;
    if (isOfTenant && asked.from <= day && day <= asked.to) return { tenant, day, batchId };
  }
  throw new ApiError(400, "Invalid 'after': give `next` of the page before.", {
    param: 'after',
    code: 'invalid_value',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function rowView(row: UsageRow): z.input<typeof rowSchema> {
  return {
    group: row.group,
    requests: row.requests,
    completed: row.completed,
    failed: row.failed,
    input_tokens: row.inputTokens,
    cached_tokens: row.cachedTokens,
    cache_write_tokens: row.cacheWriteTokens,
    output_tokens: row.outputTokens,
    reasoning_tokens: row.reasoningTokens,
    usd: row.usd,
    simulated_usd: row.simulatedUsd,
    unpriced: row.unpriced,
  };
}
