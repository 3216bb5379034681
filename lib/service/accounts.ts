import { inParallel } from '../pipeline/parallel.ts';
import type { Account, Services } from '../pipeline/services.ts';
import type { AccountLoad, AccountView } from '../records/account-view.ts';
import { type BatchRecord, shownWaiting } from '../records/batch.ts';
import { hasEnded } from '../records/openai-batch.ts';

/** Batches under way that are looked at, the oldest first: one read each. */
const maxBatches = 200;
const readsAtATime = 10;

/**
 * The accounts of the configuration, by name.
 *
 * @param isOperator whether what all tenants have there is told, too.
 */
export async function listAccounts(services: Services, isOperator: boolean): Promise<AccountView[]> {
  const names = Object.keys(services.config.providers).toSorted();
  const running = isOperator ? await runningBatches(services) : null;
  return inParallel(readsAtATime, names, async (name) => {
    const account = services.account(name);
    return {
      object: 'account',
      id: name,
      kind: account.config.kind,
      is_simulated: account.isSimulated,
      is_live: account.config.kind === 'live',
      models: [...account.config.models],
      operator: running && (await loadOf(services, account, running)),
    };
  });
}

async function runningBatches(services: Services): Promise<BatchRecord[]> {
  const ids: string[] = [];
  for await (const id of services.records.unfinishedBatchIds()) if (ids.push(id) === maxBatches) break;
  const batches = await inParallel(readsAtATime, ids, (id) => services.records.findBatch(id));
  return batches.flatMap((batch) => (batch === null || hasEnded(batch.status) ? [] : [batch]));
}

async function loadOf(
  services: Services,
  { name, config, provider }: Account,
  running: readonly BatchRecord[],
): Promise<AccountLoad> {
  const { concurrency: maxOpen = null, limits } = config;
  const maxCreates = config.createsPerHour ?? provider.limits.createsPerHour;
  const [holders, queues, creates, waiting] = await Promise.all([
    maxOpen === null ? null : services.semaphores.slotHolders(name),
    services.semaphores.tokenQueues(name),
    maxCreates === null ? null : services.semaphores.createsOfHour(name, services.now()),
    services.waitingLists.find(name),
  ]);
  return {
    running_batches: running.filter(({ report }) => report?.shards.some((shard) => shard.provider === name)).length,
    open_batches: holders?.length ?? null,
    max_open_batches: maxOpen,
    queues: queues.map(({ model, tokens, holders: batches }) => ({
      model,
      tokens,
      batches,
      max_tokens: limits.maxEnqueuedTokens ?? null,
    })),
    creates_this_hour: creates,
    max_creates_per_hour: maxCreates,
    waiting_tenants: Object.values(waiting.tenants).filter(({ waitsSince }) => waitsSince !== null).length,
    last_error: longestWait(name, running),
  };
}

function longestWait(name: string, running: readonly BatchRecord[]): AccountLoad['last_error'] {
  const waits = running.flatMap((batch) => {
    const waiting = shownWaiting(batch);
    return waiting?.provider === name ? [{ batch, waiting }] : [];
  });
  const [first] = waits.toSorted((left, right) => left.waiting.since - right.waiting.since);
  if (!first) return null;
  const { batch, waiting } = first;
  const { reason: message, since, tries } = waiting;
  return { message, since, tries, tenant: batch.tenant, batch_id: batch.id };
}
