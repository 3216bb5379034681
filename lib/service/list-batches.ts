import type { Services } from '../pipeline/services.ts';
import { type BatchRecord, nameOf } from '../records/batch.ts';
import { isNamedLike } from '../records/name-pattern.ts';
import type { BatchStatus } from '../records/openai-batch.ts';
import { getBatch } from './create-batch.ts';
import { type LookedPage, lookThrough, type PageQuery } from './page.ts';

/** Which batches are wanted; what is absent leaves all. */
export interface BatchFilter {
  statuses?: readonly BatchStatus[] | undefined;
  /** A part of the name, or all of it with `*` for any characters. */
  name?: string | undefined;
  /** The same of a model that any of its requests goes to. */
  model?: string | undefined;
  /** Labels that it has, each with this value. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Unix seconds: made then or later. */
  createdAfter?: number | undefined;
  /** Unix seconds: made before that. */
  createdBefore?: number | undefined;
}

/** Records that one call looks at: each has at most 400 KB, most some 5 KB. */
const maxLooked = 1_000;
/** The gateway waits 29 seconds, and a person less. */
const maxLookMs = 5_000;
/** Records that are read at a time where most may be left out. */
const filteredAtATime = 100;

/**
 * A tenant's batches, newest first. Where some are left out, one call looks through a thousand at most, so a page may hold fewer than
 * asked for, or none, although there is more.
 */
export async function listBatches(
  services: Services,
  tenant: string,
  request: PageQuery & BatchFilter,
): Promise<LookedPage<BatchRecord>> {
  const after = request.after === undefined ? null : await getBatch(services, tenant, request.after);
  const { limit, createdAfter = null, createdBefore = null } = request;
  const batches = services.records.listBatches(tenant, {
    order: 'desc',
    after,
    pageItems: isFiltered(request) ? filteredAtATime : limit + 1,
    createdAfter,
    createdBefore,
  });
  const endsAtMs = performance.now() + maxLookMs;
  return lookThrough(batches, {
    limit,
    isWanted: (batch) => isWanted(batch, request),
    mustStop: (looked) => looked >= maxLooked || performance.now() >= endsAtMs,
  });
}

/** Whether batches of the asked time may be left out. */
function isFiltered({ statuses, name, model, metadata }: BatchFilter): boolean {
  return [statuses, name, model, metadata].some((asked) => asked !== undefined);
}

function isWanted(batch: BatchRecord, { statuses, name, model, metadata = {} }: BatchFilter): boolean {
  const labels = batch.options.metadata ?? {};
  return (
    (statuses === undefined || statuses.includes(batch.status)) &&
    (name === undefined || isNamedLike(nameOf(batch) ?? '', name)) &&
    (model === undefined || modelsOf(batch).some((one) => isNamedLike(one, model))) &&
    Object.entries(metadata).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value)
  );
}

/** Those that validation found, as far as the record names them. */
function modelsOf({ model, report }: BatchRecord): string[] {
  return [...(model === null ? [] : [model]), ...(report?.shards ?? []).map((shard) => shard.model)];
}
