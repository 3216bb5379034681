import { hasLease, type ShardRecord } from '../../records/shard.ts';
import { type NotedStart, tenantsAhead } from '../../records/waiting-list.ts';
import { hourMs, type TokenQueue } from '../../store/semaphores.ts';
import { findAccount } from '../configured-account.ts';
import type { Account, Services } from '../services.ts';

/** A shard's name among all shards of the deployment. */
export function ownerOf(shard: Pick<ShardRecord, 'batchId' | 'set' | 'round' | 'shard'>): string {
  return `${shard.batchId}/${shard.set}/${shard.round}/${shard.shard}`;
}

export type Acquisition = { isAcquired: true } | RefusedAcquisition;

interface RefusedAcquisition {
  isAcquired: false;
  reason: string;
  retryAfterSeconds: number | null;
  /** The waiting list of what there was no place in. */
  waitingList: string;
}

/**
 * Asks for a place among the account's open batches, for room in its queue, and for one of its creates of this hour. Where one of them
 * is limited, tenants take turns: see `tenantsAhead`.
 */
export async function acquireSemaphores(
  services: Services,
  account: Account,
  tenant: string,
  shard: ShardRecord,
): Promise<Acquisition> {
  const createsPerHour = account.config.createsPerHour ?? account.provider.limits.createsPerHour;
  const lists = waitingListsOf(account, shard, createsPerHour);
  for (const list of lists) if (await mustWait(services, list, tenant)) return othersFirst(account, list);
  const nowMs = services.now();
  const refusal = await takePlaces(services, account, shard, createsPerHour, nowMs);
  if (refusal) return refusal;
  const blocking = await noteStart(services, lists, tenant, nowMs);
  if (blocking === null) return acquired;
  if (createsPerHour !== null) await services.semaphores.uncountCreate(account.name, nowMs);
  await releaseSemaphores(services, shard);
  return othersFirst(account, blocking);
}

const acquired: Acquisition = { isAcquired: true };

/** One for the account's slots and creates, and one for the queue of a model; none where nothing is limited. */
function waitingListsOf({ name, config }: Account, { model }: ShardRecord, createsPerHour: number | null): string[] {
  const ofAccount = config.concurrency !== undefined || createsPerHour !== null ? [name] : [];
  return config.limits.maxEnqueuedTokens === undefined ? ofAccount : [...ofAccount, queueOf(name, model)];
}

/** No provider's name has a #. */
function queueOf(account: string, model: string): string {
  return `${account}#queue#${model}`;
}

/**
 * Notes the start on all lists, or on none: a tenant that one list keeps waiting has not had its turn on the others.
 *
 * @returns the list on which others come first; null where none do.
 */
async function noteStart(
  services: Services,
  lists: readonly string[],
  tenant: string,
  nowMs: number,
): Promise<string | null> {
  const noted: [string, NotedStart][] = [];
  for (const list of lists) {
    const start = await services.waitingLists.start(list, tenant, nowMs);
    if (start) {
      noted.push([list, start]);
      continue;
    }
    for (const [earlier, taken] of noted) await services.waitingLists.takeBack(earlier, tenant, taken);
    return list;
  }
  return null;
}

function othersFirst({ name }: Account, waitingList: string): RefusedAcquisition {
  const reason = `Provider '${name}' has no place for this tenant until others that wait have theirs.`;
  return refused(reason, waitingList);
}

/** @returns null where there was a place. */
async function takePlaces(
  services: Services,
  account: Account,
  shard: ShardRecord,
  createsPerHour: number | null,
  nowMs: number,
): Promise<RefusedAcquisition | null> {
  const { concurrency, limits } = account.config;
  if (concurrency !== undefined && !(await acquireSlot(services, account.name, shard, concurrency)))
    return refused(`Provider '${account.name}' has its ${concurrency} batches open.`, account.name);
  const { maxEnqueuedTokens } = limits;
  if (maxEnqueuedTokens !== undefined && !(await acquireTokens(services, account.name, shard, maxEnqueuedTokens))) {
    await releaseSemaphores(services, shard);
    const reason = `Provider '${account.name}' has its ${maxEnqueuedTokens} tokens of ${shard.model} enqueued.`;
    return refused(reason, queueOf(account.name, shard.model));
  }
  if (createsPerHour === null || (await services.semaphores.countCreate(account.name, nowMs, createsPerHour)))
    return null;
  await releaseSemaphores(services, shard);
  const retryAfterSeconds = Math.ceil((hourMs - (nowMs % hourMs)) / 1_000);
  return refused(
    `Provider '${account.name}' takes ${createsPerHour} batches an hour.`,
    account.name,
    retryAfterSeconds,
  );
}

/** Notes that a tenant waits for a place, after it was refused one. */
export async function waitForPlace(
  services: Services,
  waitingList: string,
  tenant: string,
  shard: ShardRecord,
  notBeforeMs: number,
): Promise<void> {
  // It asks again in the first turn of its batch after that time: a pause later, and however long the turn before takes.
  const asksAgainByMs = notBeforeMs + 2 * services.config.polling.maxSeconds * 1_000 + longestTurnMs;
  const refusal = { tenant, owner: ownerOf(shard), nowMs: services.now(), asksAgainByMs };
  await services.waitingLists.refuse(waitingList, refusal);
}

const longestTurnMs = 5 * 60_000;

/** Whether others come first that still wait: one whose shard was cancelled or has ended does not. */
async function mustWait(services: Services, waitingList: string, tenant: string): Promise<boolean> {
  const list = await services.waitingLists.find(waitingList);
  let isAnyAhead = false;
  for (const other of tenantsAhead(list, tenant, services.now())) {
    const owner = list.tenants[other]?.owner ?? '';
    if (await isWaiting(services, owner)) isAnyAhead = true;
    else await services.waitingLists.forget(waitingList, other, owner);
  }
  return isAnyAhead;
}

/** A shard that is being claimed asks just now; one that got its place is not on the list any more. */
async function isWaiting(services: Services, owner: string): Promise<boolean> {
  const shard = await findOwner(services, owner);
  const mayAsk = shard?.live
    ? shard.status === 'submitted'
    : shard?.status === 'pending' || shard?.status === 'submitting';
  if (!shard || !mayAsk) return false;
  const batch = await services.records.findBatch(shard.batchId);
  return batch?.status === 'in_progress' && services.now() < batch.deadlineAt * 1_000;
}

function refused(reason: string, waitingList: string, retryAfterSeconds: number | null = null): RefusedAcquisition {
  return { isAcquired: false, reason, retryAfterSeconds, waitingList };
}

/** For a shard that has no open batch at the provider any more. What is not given back here is found by others. */
export async function releaseSemaphores(services: Services, shard: ShardRecord): Promise<void> {
  if (shard.provider === null) return;
  const { provider, model, estimatedTokens } = shard;
  const account = findAccount(services, provider);
  if (!account) return;
  const { concurrency, limits } = account.config;
  if (concurrency !== undefined) await services.semaphores.releaseSlot(provider, ownerOf(shard));
  if (limits.maxEnqueuedTokens !== undefined)
    await services.semaphores.releaseTokens({ provider, model }, ownerOf(shard), estimatedTokens);
}

/**
 * Asks for a place among the functions that send one by one for an account, of which tenants take turns. To be asked under the shard's
 * lease.
 */
export async function acquireLiveSlot(
  services: Services,
  provider: string,
  tenant: string,
  shard: ShardRecord,
  functions: number,
): Promise<boolean> {
  const account = liveSemaphore(provider);
  const nowMs = services.now();
  if (!(await mustWait(services, account, tenant)) && (await acquireSlot(services, account, shard, functions))) {
    if (await services.waitingLists.start(account, tenant, nowMs)) return true;
    await services.semaphores.releaseSlot(account, ownerOf(shard));
  }
  await waitForPlace(services, account, tenant, shard, nowMs + longestPauseMs);
  return false;
}

/** A shard that gets no place pauses for so long at most: see `deferralSeconds`. */
const longestPauseMs = 10 * 60_000;

export async function releaseLiveSlot(services: Services, provider: string, shard: ShardRecord): Promise<void> {
  await services.semaphores.releaseSlot(liveSemaphore(provider), ownerOf(shard));
}

/** No provider's name has a #. */
function liveSemaphore(provider: string): string {
  return `${provider}#live`;
}

async function acquireSlot(services: Services, provider: string, shard: ShardRecord, places: number): Promise<boolean> {
  if (await services.semaphores.acquireSlot(provider, ownerOf(shard), places)) return true;
  await clearStaleSlots(services, provider);
  return services.semaphores.acquireSlot(provider, ownerOf(shard), places);
}

/** A function that died may have left its place taken. */
async function clearStaleSlots(services: Services, provider: string): Promise<void> {
  for (const owner of await services.semaphores.slotHolders(provider))
    if (!(await isOpenAtProvider(services, owner))) await services.semaphores.releaseSlot(provider, owner);
}

async function acquireTokens(
  services: Services,
  provider: string,
  shard: ShardRecord,
  limit: number,
): Promise<boolean> {
  const queue = { provider, model: shard.model };
  const take = () => services.semaphores.acquireTokens(queue, ownerOf(shard), shard.estimatedTokens, limit);
  if (await take()) return true;
  await clearStaleTokens(services, queue);
  return take();
}

async function clearStaleTokens(services: Services, queue: TokenQueue): Promise<void> {
  for (const [owner, tokens] of await services.semaphores.tokenHolders(queue))
    if (!(await isOpenAtProvider(services, owner))) await services.semaphores.releaseTokens(queue, owner, tokens);
}

async function isOpenAtProvider(services: Services, owner: string): Promise<boolean> {
  const shard = await findOwner(services, owner);
  if (!shard) return false;
  if (shard.live) return hasLease(shard.live, services.now());
  return shard.status === 'submitting' || shard.status === 'submitted';
}

async function findOwner(services: Services, owner: string): Promise<ShardRecord | null> {
  const [batchId = '', set = '', , place] = owner.split('/');
  return services.records.findShard({ batchId, set, shard: Number(place) });
}
