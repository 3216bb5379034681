import { NotFoundError } from '../../records/errors.ts';
import { hasLease, type ShardRecord } from '../../records/shard.ts';
import { hourMs, type TokenQueue } from '../../store/gates.ts';
import type { Account, Services } from '../services.ts';

/** A shard's name among all shards of the deployment. */
export function ownerOf(shard: Pick<ShardRecord, 'batchId' | 'set' | 'round' | 'shard'>): string {
  return `${shard.batchId}/${shard.set}/${shard.round}/${shard.shard}`;
}

export type Passage = { isOpen: true } | ClosedGate;

interface ClosedGate {
  isOpen: false;
  reason: string;
  retryAfterSeconds: number | null;
}

/** Asks for a place among the account's open batches, for room in its queue, and for one of its creates of this hour. */
export async function enterGate(services: Services, account: Account, shard: ShardRecord): Promise<Passage> {
  const { concurrency, limits } = account.config;
  if (concurrency !== undefined && !(await takePlace(services, account.name, shard, concurrency)))
    return closed(`Provider '${account.name}' has its ${concurrency} batches open.`);
  const { maxEnqueuedTokens } = limits;
  if (maxEnqueuedTokens !== undefined && !(await takeTokens(services, account.name, shard, maxEnqueuedTokens))) {
    await leaveGate(services, shard);
    const reason = `Provider '${account.name}' has its ${maxEnqueuedTokens} tokens of ${shard.model} enqueued.`;
    return closed(reason);
  }
  const createsPerHour = account.config.createsPerHour ?? account.provider.limits.createsPerHour;
  const nowMs = services.now();
  if (createsPerHour === null || (await services.gates.countCreate(account.name, nowMs, createsPerHour)))
    return { isOpen: true };
  await leaveGate(services, shard);
  const retryAfterSeconds = Math.ceil((hourMs - (nowMs % hourMs)) / 1_000);
  return closed(`Provider '${account.name}' takes ${createsPerHour} batches an hour.`, retryAfterSeconds);
}

function closed(reason: string, retryAfterSeconds: number | null = null): ClosedGate {
  return { isOpen: false, reason, retryAfterSeconds };
}

/** For a shard that has no open batch at the provider any more. What is not given back here is found by others. */
export async function leaveGate(services: Services, shard: ShardRecord): Promise<void> {
  if (shard.provider === null) return;
  const { provider, model, estimatedTokens } = shard;
  const { concurrency, limits } = services.account(provider).config;
  if (concurrency !== undefined) await services.gates.leavePlace(provider, ownerOf(shard));
  if (limits.maxEnqueuedTokens !== undefined)
    await services.gates.leaveTokens({ provider, model }, ownerOf(shard), estimatedTokens);
}

/** Asks for a place among the functions that send one by one for an account. To be asked under the shard's lease. */
export async function enterLiveGate(
  services: Services,
  provider: string,
  shard: ShardRecord,
  functions: number,
): Promise<boolean> {
  return takePlace(services, liveGate(provider), shard, functions);
}

export async function leaveLiveGate(services: Services, provider: string, shard: ShardRecord): Promise<void> {
  await services.gates.leavePlace(liveGate(provider), ownerOf(shard));
}

/** No provider's name has a #. */
function liveGate(provider: string): string {
  return `${provider}#live`;
}

async function takePlace(services: Services, provider: string, shard: ShardRecord, places: number): Promise<boolean> {
  if (await services.gates.takePlace(provider, ownerOf(shard), places)) return true;
  await clearStalePlaces(services, provider);
  return services.gates.takePlace(provider, ownerOf(shard), places);
}

/** A function that died may have left its place taken. */
async function clearStalePlaces(services: Services, provider: string): Promise<void> {
  for (const owner of await services.gates.owners(provider))
    if (!(await isOpenAtProvider(services, owner))) await services.gates.leavePlace(provider, owner);
}

async function takeTokens(services: Services, provider: string, shard: ShardRecord, limit: number): Promise<boolean> {
  const queue = { provider, model: shard.model };
  const take = () => services.gates.takeTokens(queue, ownerOf(shard), shard.estimatedTokens, limit);
  if (await take()) return true;
  await clearStaleTokens(services, queue);
  return take();
}

async function clearStaleTokens(services: Services, queue: TokenQueue): Promise<void> {
  for (const [owner, tokens] of await services.gates.tokenHolders(queue))
    if (!(await isOpenAtProvider(services, owner))) await services.gates.leaveTokens(queue, owner, tokens);
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
