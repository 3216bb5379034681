import type { Deployment } from '../../lib/client/deployment/deployment.ts';
import { hasEnded } from '../../lib/records/openai-batch.ts';
import type { Batch } from './batch.ts';
import { readBatch } from './read-batch.ts';
import { reuse } from './reuse.ts';

/** What the list of batches is narrowed to, as the API takes it. */
export interface BatchFilters {
  status?: string;
  name?: string;
  model?: string;
  tenant?: string;
  created_after?: number;
  created_before?: number;
  metadata?: Record<string, string>;
}

/** The batches that are loaded, newest first, and how far was looked for them. */
export interface KnownBatches {
  batches: readonly Batch[];
  /** What older ones begin behind; null where there are none. */
  next: string | null;
  /** How many batches were looked at, which is more than are here where a filter left some out. */
  looked: number;
  lookedTo: number | null;
}

const pageItems = 100;

/** Batches behind the newest page that still run are looked at one by one, at most so many at a time. */
const maxSingleLooks = 20;

/** With a filter one answer may be empty and yet not the last: so many are asked for before a person is. */
const maxEmptyAnswers = 5;

/** The newest batches, joined with those that were loaded before. */
export async function refreshBatches(
  deployment: Deployment,
  filters: BatchFilters,
  before: KnownBatches | null,
  signal: AbortSignal,
): Promise<KnownBatches> {
  if (before === null) return await loadOlder(deployment, filters, nothingKnown, signal);
  const page = await deployment.listBatches({ ...filters, limit: pageItems }, signal);
  const standing = new Map(before.batches.map((batch) => [batch.id, batch]));
  const newest = page.batches.map((answer) => reuse(readBatch(answer), standing.get(answer.id)));
  const ids = new Set(newest.map(({ id }) => id));
  // One that this page would hold and does not fits the filter no longer.
  const covered = page.next === null ? Number.NEGATIVE_INFINITY : (page.looked?.to ?? newest.at(-1)?.created_at ?? 0);
  const older = before.batches.filter(({ id, created_at: at }) => !ids.has(id) && (at ?? 0) <= covered);
  const looked = await lookAgain(deployment, filters, older, signal);
  const batches = [...newest, ...looked];
  if (isSame(batches, before.batches)) return before;
  return { ...before, batches };
}

/** Batches behind those that are loaded. */
export async function loadOlder(
  deployment: Deployment,
  filters: BatchFilters,
  before: KnownBatches,
  signal: AbortSignal,
): Promise<KnownBatches> {
  let known = before;
  for (let answers = 0; answers < maxEmptyAnswers; answers += 1) {
    const query = { ...filters, limit: pageItems, ...(known.next !== null && { after: known.next }) };
    const { batches, next, looked } = await deployment.listBatches(query, signal);
    const ids = new Set(known.batches.map(({ id }) => id));
    known = {
      batches: [...known.batches, ...batches.map(readBatch).filter(({ id }) => !ids.has(id))],
      next,
      looked: known.looked + (looked?.count ?? batches.length),
      lookedTo: looked?.to ?? known.lookedTo,
    };
    if (batches.length > 0 || next === null) break;
  }
  return known;
}

const nothingKnown: KnownBatches = { batches: [], next: null, looked: 0, lookedTo: null };

async function lookAgain(
  deployment: Deployment,
  { tenant }: BatchFilters,
  batches: readonly Batch[],
  signal: AbortSignal,
): Promise<Batch[]> {
  const running = batches.filter(({ status }) => !hasEnded(status)).slice(0, maxSingleLooks);
  const query = tenant === undefined ? {} : { tenant };
  const again = await Promise.all(
    running.map(async (batch) => reuse(readBatch(await deployment.retrieveBatch(batch.id, signal, query)), batch)),
  );
  const byId = new Map(again.map((batch) => [batch.id, batch]));
  return batches.map((batch) => byId.get(batch.id) ?? batch);
}

function isSame(left: readonly Batch[], right: readonly Batch[]): boolean {
  return left.length === right.length && left.every((batch, index) => batch === right[index]);
}
