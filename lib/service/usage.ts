import { keepUsage } from '../pipeline/finalize/used.ts';
import { type Services, unixSeconds } from '../pipeline/services.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { tokensOf } from '../records/usage.ts';
import { dayOf, type UsageRecord, type UsedModel } from '../records/usage-record.ts';
import type { UsagePlace } from '../store/usage-records.ts';
import { listBatches } from './list-batches.ts';

/** By what usage is summed: a member of the record, or a label of the batch's metadata. */
export const usageGroups = ['day', 'model', 'provider', 'tenant', 'api_key', 'batch'] as const;
export type UsageGroup = (typeof usageGroups)[number] | `metadata.${string}`;

export interface UsageRequest {
  /** Null for all tenants. */
  tenant: string | null;
  /** Days in UTC, both included. */
  from: string;
  to: string;
  by: readonly UsageGroup[];
  after: UsagePlace | null;
}

/** The sum of one group. */
export interface UsageRow {
  group: Record<string, string | null>;
  requests: number;
  completed: number;
  failed: number;
  inputTokens: number;
  cachedTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  /** US dollars of what has a price. */
  usd: number;
  /** What simulators answered would have cost; it is not in `usd`. */
  simulatedUsd: number;
  /** Models without a known price, whose tokens are in no sum of dollars. */
  unpriced: string[];
}

export interface UsagePage {
  rows: UsageRow[];
  /** The last record of the page, where there is more. */
  next: UsagePlace | null;
}

/** Batches that one call sums up: a megabyte or two, read in a second. */
const maxRecords = 1_000;
/** Rows after which a page ends: some two megabytes of what a function may answer. */
const maxRows = 5_000;
const maxUnpriced = 20;

/** Days that are summed up where nobody says from when. */
export const usualUsageDays = 30;

/** Sums up what batches have used that ended within some days. Of many batches each page has its own sums, to be added up. */
export async function sumUsage(services: Services, request: UsageRequest): Promise<UsagePage> {
  const rows = new Map<string, UsageRow>();
  let last: UsageRecord | null = null;
  let count = 0;
  for await (const record of services.usageRecords.list({ ...request, pageItems: maxRecords + 1 })) {
    if (count === maxRecords || rows.size >= maxRows) return { rows: rounded(rows), next: placeOf(last) };
    for (const used of record.models) addTo(rows, groupOf(request.by, record, used), used);
    last = record;
    count += 1;
  }
  return { rows: rounded(rows), next: null };
}

function placeOf(record: UsageRecord | null): UsagePlace | null {
  return record && { tenant: record.tenant, day: record.day, batchId: record.batchId };
}

function groupOf(by: readonly UsageGroup[], record: UsageRecord, used: UsedModel): UsageRow['group'] {
  return Object.fromEntries(by.map((group) => [group, valueIn(group, record, used)]));
}

function valueIn(group: UsageGroup, record: UsageRecord, used: UsedModel): string | null {
  switch (group) {
    case 'day':
      return record.day;
    case 'model':
      return used.model;
    case 'provider':
      return used.provider;
    case 'tenant':
      return record.tenant;
    case 'api_key':
      return record.apiKeyId;
    case 'batch':
      return record.batchId;
    default: {
      const label = group.slice('metadata.'.length);
      return Object.hasOwn(record.metadata, label) ? (record.metadata[label] ?? null) : null;
    }
  }
}

function addTo(rows: Map<string, UsageRow>, group: UsageRow['group'], used: UsedModel): void {
  const name = JSON.stringify(Object.values(group));
  const row = rows.get(name) ?? emptyRow(group);
  rows.set(name, row);
  const tokens = tokensOf(used.usage);
  row.requests += used.requests;
  row.completed += used.completed;
  row.failed += used.failed;
  row.inputTokens += tokens.input;
  row.cachedTokens += tokens.cached;
  row.cacheWriteTokens += tokens.written;
  row.outputTokens += tokens.output;
  row.reasoningTokens += tokens.reasoning;
  const unpriced = `${used.provider}/${used.model}`;
  if (used.usd === null && !row.unpriced.includes(unpriced) && row.unpriced.length < maxUnpriced)
    row.unpriced.push(unpriced);
  if (used.isSimulated) row.simulatedUsd += used.usd ?? 0;
  else row.usd += used.usd ?? 0;
}

function emptyRow(group: UsageRow['group']): UsageRow {
  return {
    group,
    requests: 0,
    completed: 0,
    failed: 0,
    inputTokens: 0,
    cachedTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    usd: 0,
    simulatedUsd: 0,
    unpriced: [],
  };
}

/** In the order of their groups, and dollars without the noise of adding. */
function rounded(rows: ReadonlyMap<string, UsageRow>): UsageRow[] {
  return [...rows]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, row]) => ({ ...row, usd: microdollars(row.usd), simulatedUsd: microdollars(row.simulatedUsd) }));
}

function microdollars(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}

/** The days that count where a request does not say which. */
export function usualDays(services: Pick<Services, 'now'>): { from: string; to: string } {
  const now = unixSeconds(services);
  return { from: dayOf(now - (usualUsageDays - 1) * 24 * 3_600), to: dayOf(now) };
}

/** Batches that one call of the filling looks at: each is an object that is read. */
const filledAtATime = 50;

/** How far the filling came. */
export interface FilledUsage {
  batches: number;
  /** The batch behind which it goes on; null at the end. */
  after: string | null;
}

/** Keeps what a tenant's batches have used that ended before usage was kept, page by page. Done again it changes nothing. */
export async function fillUsage(services: Services, tenant: string, after: string | undefined): Promise<FilledUsage> {
  const page = await listBatches(services, tenant, { limit: filledAtATime, after });
  for (const batch of page.items) if (hasEnded(batch.status)) await keepUsage(services, batch);
  return { batches: page.items.length, after: page.hasMore ? (page.items.at(-1)?.id ?? null) : null };
}
