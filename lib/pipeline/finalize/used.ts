import { z } from 'zod';
import { type BatchRecord, costSchema, endedAt, maxReportedGroups } from '../../records/batch.ts';
import { isObject } from '../../records/json.ts';
import { resultKey } from '../../records/object-keys.ts';
import { addUsage, usageSchema } from '../../records/usage.ts';
import { dayOf, type UsageRecord, type UsedModel, usageKeptSeconds } from '../../records/usage-record.ts';
import { findAccount } from '../configured-account.ts';
import type { Services } from '../services.ts';

const breakdownSchema = z.array(
  z.object({
    provider: z.string(),
    model: z.string(),
    requests: z.number().int(),
    completed: z.number().int(),
    failed: z.number().int(),
    usage: usageSchema,
    cost: costSchema,
  }),
);

/** Keeps what a batch has used, once; where lost answers were found after its end, what it has used then. */
export async function keepUsage(services: Services, batch: BatchRecord): Promise<void> {
  const record = await usageRecordOf(services, batch);
  if (!record) return;
  await (batch.recollection ? services.usageRecords.replace(record) : services.usageRecords.create(record));
}

/** @returns null for a batch of which nothing was sent. */
async function usageRecordOf(services: Services, batch: BatchRecord): Promise<UsageRecord | null> {
  const ended = endedAt(batch);
  const models = batch.rounds.length === 0 ? [] : await usedModels(services, batch);
  if (ended === null || models.length === 0) return null;
  return {
    version: 0,
    tenant: batch.tenant,
    day: dayOf(batch.firstEndedAt ?? ended),
    batchId: batch.id,
    apiKeyId: batch.apiKeyId ?? null,
    metadata: batch.options.metadata ?? {},
    models,
    expiresAt: ended + usageKeptSeconds,
  };
}

/** As the receipt has it; receipts of earlier releases know the sum alone. */
async function usedModels(services: Services, batch: BatchRecord): Promise<UsedModel[]> {
  const found = await services.objects.readText(resultKey(batch.id, 'batch.json'));
  const breakdown = breakdownSchema.safeParse(found && breakdownIn(JSON.parse(found.text)));
  return breakdown.success ? byModel(services, breakdown.data) : sumOf(batch);
}

function breakdownIn(summary: unknown): unknown {
  const additions = isObject(summary) ? summary.batchdrop : null;
  const receipt = isObject(additions) ? additions.receipt : null;
  return isObject(receipt) ? receipt.breakdown : null;
}

function byModel(services: Services, breakdown: z.infer<typeof breakdownSchema>): UsedModel[] {
  const models = new Map<string, UsedModel>();
  for (const { cost, ...part } of breakdown) {
    const isOther = models.size >= maxReportedGroups - 1;
    const used = {
      ...part,
      ...(isOther && { provider: '*', model: '*' }),
      usd: cost.usd,
      // Receipts of earlier releases do not say it.
      isSimulated: cost.prices
        ? (cost.simulated ?? []).length > 0
        : (findAccount(services, part.provider)?.isSimulated ?? false),
    };
    const name = JSON.stringify([used.provider, used.model, used.isSimulated]);
    const known = models.get(name);
    models.set(name, known ? added(known, used) : withoutEndpoint(used));
  }
  return [...models.values()];
}

function withoutEndpoint({
  provider,
  model,
  requests,
  completed,
  failed,
  usage,
  usd,
  isSimulated,
}: UsedModel): UsedModel {
  return { provider, model, requests, completed, failed, usage, usd, isSimulated };
}

function added(left: UsedModel, right: UsedModel): UsedModel {
  return {
    ...left,
    requests: left.requests + right.requests,
    completed: left.completed + right.completed,
    failed: left.failed + right.failed,
    usage: addUsage(left.usage, right.usage),
    usd: left.usd === null || right.usd === null ? null : left.usd + right.usd,
  };
}

function sumOf({ model, counts, usage, cost }: BatchRecord): UsedModel[] {
  if (!usage) return [];
  const { total: requests, completed, failed } = counts;
  const isSimulated = (cost?.simulated ?? []).length > 0;
  return [
    { provider: '*', model: model ?? '*', requests, completed, failed, usage, usd: cost?.usd ?? null, isSimulated },
  ];
}
