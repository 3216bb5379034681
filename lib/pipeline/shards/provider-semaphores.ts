import { NotFoundError } from '../../records/errors.ts';
import { hasLease, type ShardRecord } from '../../records/shard.ts';
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
}

/** Asks for a place among the account's open batches, for room in its queue, and for one of its creates of this hour. */
export async function acquireSemaphores(
  services: Services,
  account: Account,
  shard: ShardRecord,
): Promise<Acquisition> {
  const { concurrency, limits } = account.config;
  if (concurrency !== undefined && !(await acquireSlot(services, account.name, shard, concurrency)))
    return refused(`Provider '${account.name}' has its ${concurrency} batches open.`);
  const { maxEnqueuedTokens } = limits;
  if (maxEnqueuedTokens !== undefined && !(await acquireTokens(services, account.name, shard, maxEnqueuedTokens))) {
    await releaseSemaphores(services, shard);
    const reason = `Provider '${account.name}' has its ${maxEnqueuedTokens} tokens of ${shard.model} enqueued.`;
    return refused(reason);
  }
  const createsPerHour = account.config.createsPerHour ?? account.provider.limits.createsPerHour;
  const nowMs = services.now();
  if (createsPerHour === null || (await services.semaphores.countCreate(account.name, nowMs, createsPerHour)))
    return { isAcquired: true };
  await releaseSemaphores(services, shard);
  const retryAfterSeconds = Math.ceil((hourMs - (nowMs % hourMs)) / 1_000);
  return refused(`Provider '${account.name}' takes ${createsPerHour} batches an hour.`, retryAfterSeconds);
}

function refused(reason: string, retryAfterSeconds: number | null = null): RefusedAcquisition {
  return { isAcquired: false, reason, retryAfterSeconds };
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

/** Asks for a place among the functions that send one by one for an account. To be asked under the shard's lease. */
export async function acquireLiveSlot(
  services: Services,
  provider: string,
  shard: ShardRecord,
  functions: number,
): Promise<boolean> {
  return acquireSlot(services, liveSemaphore(provider), shard, functions);
}

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
  const [batchId = '', set = '', , place] = owner.split('/');
  try {
    const shard = await services.records.getShard({ batchId, set, shard: Number(place) });
    if (shard.live) return hasLease(shard.live, services.now());
    return shard.status === 'submitting' || shard.status === 'submitted';
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
