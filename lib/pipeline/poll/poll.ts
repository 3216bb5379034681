import type { ProviderBatch, SendingRefusal } from '../../providers/contract.ts';
import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { messageOf, ProviderAuthenticationError, safeText, TransientError } from '../../records/errors.ts';
import { deferralSeconds, waitSeconds } from '../../records/schedule.ts';
import {
  cancelledEnd,
  deferShard,
  endShard,
  hasLease,
  isAllAnswered,
  type LiveWork,
  refuseShard,
  type ShardEnd,
  type ShardRecord,
} from '../../records/shard.ts';
import { countFailure } from '../../records/step-failures.ts';
import { continueAsNew } from '../continue-as-new.ts';
import { countRefusedKey } from '../metrics.ts';
import { inParallel } from '../parallel.ts';
import { RunBudget } from '../run-budget.ts';
import type { Services, StepContext } from '../services.ts';
import { closingEnd, closingMs, endOfUnproven } from '../shards/closing.ts';
import { countBudget, findBudget } from '../shards/cost-budget.ts';
import { lookAtBatch } from '../shards/look-at-batch.ts';
import { releaseSemaphores } from '../shards/provider-semaphores.ts';
import { refusalOf } from '../shards/refusal.ts';
import { nameOf } from '../shards/shard-name.ts';
import { writeStatus } from '../status-file.ts';
import type { PollStep, Turn } from '../step.ts';
import { waitingOf } from './waiting.ts';

/** Shards offered to one turn: the state machine's inline Map takes 40 at a time. */
export const maxShardsPerTurn = 40;
/** A slice takes minutes; so many run at once in the Map, and none waits for another. */
const maxLiveShardsPerTurn = 10;
/**
 * History events of a turn at most: 17 for Poll with its retries, 19 for Finalize, 16 for what lies between.
 * A test counts them in the machine.
 */
export const eventsPerTurn = 52;
/** And of one shard in a Map, with its retries. */
export const eventsPerShard = 24;
/** Step Functions ends an execution at 25,000; the rest is for turns whose Poll fails, which nobody counts. */
export const maxEvents = 20_000;
/** Looks at the same time. */
const looksAtATime = 20;
/** Left of a run's time after its last look, to count and to decide. */
const decidingMs = 20_000;

/**
 * Looks at every open shard of the batch, at the provider where it has one, and decides the next turn. Where there are more
 * than one run gets through, the next turn follows at once and goes on; while turns follow at once because shards wait to be
 * sent or collected, the providers are not asked again before it is time.
 */
export async function poll(services: Services, step: PollStep, context: StepContext): Promise<Turn> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  const set = batch.rounds.at(-1)?.token ?? '';
  const budget = await findBudget(services, batch); // before the shards: what is reserved since then is counted next time
  const before = await services.records.listShards(batch.id, set);
  const { shards, nextShard } = await lookAtAll(services, batch, before, context);
  await noteProgress(services, batch, shards);
  const turn = withLooks(services, batch, decide(services, batch, shards, step.events), nextShard);
  if (budget !== undefined && turn.submit.length > 0) await countBudget(services, batch, budget, shards);
  if (turn.events < maxEvents || turn.finished) {
    await noteLooks(services, batch, nextLooks(services, batch, { turn, shards, nextShard }));
    return turn;
  }
  await continueAsNew(services, batch);
  return { ...turn, submit: [], collect: [], continue: true };
}

/**
 * A run whose time is short from its start still looks at one shard at a provider, so that each run gets further.
 *
 * @returns the shards as they are now, and the first one that was not reached.
 */
async function lookAtAll(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  context: StepContext,
): Promise<{ shards: ShardRecord[]; nextShard: number | null }> {
  const budget = new RunBudget(context, decidingMs);
  let nextShard: number | null = null;
  let isOver = false;
  const lookInTime = async (shard: ShardRecord) => {
    if (!isAtProvider(shard)) return look(services, batch, shard, context);
    if (!isDueForLook(services, batch, shard)) return shard;
    if (isOver) {
      nextShard ??= shard.shard;
      return shard;
    }
    const after = await budget.time(() => look(services, batch, shard, context));
    isOver ||= budget.mustStop();
    return after;
  };
  const after = await inParallel(looksAtATime, shards, lookInTime);
  return { shards: after, nextShard };
}

function isAtProvider(shard: ShardRecord): boolean {
  return shard.status === 'submitted' && shard.live === null;
}

function isDueForLook(services: Services, { looks }: BatchRecord, { shard }: ShardRecord): boolean {
  return looks === null || (services.now() >= looks.notBeforeMs && shard >= looks.fromShard);
}

/** The next turn comes at once where shards were not reached, and in time for the next looks. */
function withLooks(services: Services, { looks }: BatchRecord, turn: Turn, nextShard: number | null): Turn {
  if (nextShard !== null) return { ...turn, waitSeconds: Math.min(turn.waitSeconds, 1) };
  const untilLooks = Math.ceil(((looks?.notBeforeMs ?? 0) - services.now()) / 1_000);
  return untilLooks > 0 ? { ...turn, waitSeconds: Math.min(turn.waitSeconds, untilLooks) } : turn;
}

/** Where the looks go on; null where every turn looks at all shards, as for nearly all batches. */
function nextLooks(
  services: Services,
  { looks, ...batch }: BatchRecord,
  { turn, shards, nextShard }: { turn: Turn; shards: readonly ShardRecord[]; nextShard: number | null },
): BatchRecord['looks'] {
  if (nextShard !== null) return { fromShard: nextShard, notBeforeMs: 0 };
  if (looks !== null && services.now() < looks.notBeforeMs) return looks;
  if (turn.waitSeconds > 0 || !shards.some(isAtProvider)) return null;
  return { fromShard: 0, notBeforeMs: services.now() + secondsToNextLook(services, batch) * 1_000 };
}

async function noteLooks(services: Services, batch: BatchRecord, looks: BatchRecord['looks']): Promise<void> {
  if (looks === batch.looks) return;
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return { ...current, looks };
  });
}

/** One shard's trouble is its own: it is looked at again in the next turn. */
async function look(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  try {
    return await advance(services, batch, shard, context);
  } catch (error) {
    countRefusedKey(services, error);
    const reason = safeText(messageOf(error));
    services.log.warn('A shard could not be looked at; the next poll tries again.', {
      ...nameOf(shard),
      error: reason,
    });
    return services.records.updateShard(shard, (current) => noteFailedLook(current, error, reason, services.now()));
  }
}

/** A provider that is away is waited for, and a refused key has an alarm of its own; all else counts as a step that fails. */
function noteFailedLook(shard: ShardRecord, error: unknown, reason: string, nowMs: number): ShardRecord {
  if (shard.status !== 'submitted') return shard;
  const isWaiting = error instanceof TransientError || error instanceof ProviderAuthenticationError;
  if (isWaiting && shard.lastError === reason) return shard;
  const failures = isWaiting ? shard.failures : countFailure(shard.failures, 'poll', nowMs);
  return { ...shard, lastError: reason, failures };
}

async function advance(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  switch (shard.status) {
    case 'pending':
      return closePending(services, batch, shard);
    case 'submitted':
      return shard.live
        ? lookAtLive(services, batch, shard, shard.live)
        : lookAtProvider(services, batch, shard, context);
    case 'submitting':
      return closeUnproven(services, batch, shard);
    case 'ended':
    case 'collected':
    case 'split':
      return shard;
  }
}

async function closePending(services: Services, batch: BatchRecord, shard: ShardRecord): Promise<ShardRecord> {
  const end = closingEnd(services, batch, shard);
  if (!end) return shard;
  return services.records.updateShard(shard, (current) =>
    current.status === 'pending' ? endShard(current, end, services.now()) : current,
  );
}

/** Submit looks for a lost create as long as the batch is open, and a while longer. */
async function closeUnproven(services: Services, batch: BatchRecord, shard: ShardRecord): Promise<ShardRecord> {
  const end = endOfUnproven(services, batch, shard);
  if (!end) return shard;
  const after = await services.records.updateShard(shard, (current) =>
    current.status === 'submitting' && current.version === shard.version
      ? endShard(current, end, services.now())
      : current,
  );
  if (after.end !== end) return after;
  if (end.reason === 'unconfirmed') services.metrics.add('UnconfirmedSubmissions', shard.lineCount);
  await releaseSemaphores(services, after);
  return after;
}

/** Ends a live shard once all is answered, or its batch closes and nobody sends for it any more. */
async function lookAtLive(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  live: LiveWork,
): Promise<ShardRecord> {
  const closing = closingEnd(services, batch, shard);
  const end = isAllAnswered(shard, live) ? liveEnd : closing;
  if (!end || hasLease(live, services.now())) return shard;
  return services.records.updateShard(shard, (current) =>
    current.status === 'submitted' && current.version === shard.version
      ? endShard(current, end, services.now())
      : current,
  );
}

const liveEnd: ShardEnd = {
  reason: 'completed',
  code: 'result_missing',
  message: 'The recorded answers hold none for this request.',
};

async function lookAtProvider(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  if (shard.provider === null || shard.providerBatchId === null) return shard;
  const closing = closingEnd(services, batch, shard);
  const after = closing
    ? await close(services, shard, closing, context)
    : await recordStatus(services, shard, await retrieve(services, shard.provider, shard.providerBatchId, context));
  if (after.status !== 'submitted') await releaseSemaphores(services, after);
  return after;
}

async function retrieve(
  services: Services,
  provider: string,
  providerBatchId: string,
  context: StepContext,
): Promise<ProviderBatch> {
  return lookAtBatch(services.account(provider).client, providerBatchId, context.signal);
}

/** Cancels at the provider once, waits for it to end, and gives up waiting after a while. */
async function close(
  services: Services,
  shard: ShardRecord,
  closing: ShardEnd,
  context: StepContext,
): Promise<ShardRecord> {
  if (shard.provider === null || shard.providerBatchId === null) return shard;
  const since = shard.cancelRequestedAtMs ?? services.now();
  const isOverdue = services.now() > since + closingMs(services);
  try {
    const found = await retrieve(services, shard.provider, shard.providerBatchId, context);
    if (providerHasEnded(found)) return await recordStatus(services, shard, found, closing);
    if (found.phase !== 'cancelling')
      await services.account(shard.provider).client.cancel(shard.providerBatchId, context.signal);
  } catch (error) {
    if (!isOverdue) {
      await markCancelRequested(services, shard, since);
      throw error;
    }
  }
  if (!isOverdue) return markCancelRequested(services, shard, since);
  services.log.warn('The provider did not end a batch that was to be closed; it is closed on our side.', nameOf(shard));
  return services.records.updateShard(shard, (current) =>
    current.status === 'submitted' ? endShard(current, closing, services.now()) : current,
  );
}

async function markCancelRequested(services: Services, shard: ShardRecord, atMs: number): Promise<ShardRecord> {
  return services.records.updateShard(shard, (current) =>
    current.cancelRequestedAtMs === null ? { ...current, cancelRequestedAtMs: atMs } : current,
  );
}

/**
 * Writes down what the provider said.
 *
 * @param closing why we asked the provider to cancel: what it then calls cancelled ended for that reason.
 */
async function recordStatus(
  services: Services,
  shard: ShardRecord,
  found: ProviderBatch,
  closing?: ShardEnd,
): Promise<ShardRecord> {
  if (!found.isKnownStatus) reportUnknownStatus(services, shard, found.status);
  const failure = hasBeenSeenAtWork(shard) ? null : found.failure;
  if (failure?.isQueueFull) return requeue(services, shard, failure.message);
  if (failure?.isUntouched && !closing) return refuse(services, shard, found, failure);
  const end = found.phase === 'cancelled' && closing ? closing : endOf(found);
  const seenOn = (current: ShardRecord): ShardRecord => ({
    ...current,
    providerStatus: safeText(found.status),
    counts: found.counts ?? current.counts,
    lastError: null,
    failures: null,
  });
  if (!end && isSame(shard, seenOn(shard))) return shard;
  return services.records.updateShard(shard, (current) => {
    if (current.status !== 'submitted') return current;
    if (end) return endShard(seenOn(current), end, services.now());
    return isSame(current, seenOn(current)) ? current : seenOn(current);
  });
}

/** What was counted as done once was paid for, whatever is said of the batch later. */
function hasBeenSeenAtWork({ counts }: ShardRecord): boolean {
  return counts !== null && counts.completed + counts.failed > 0;
}

function reportUnknownStatus(services: Services, shard: ShardRecord, status: string): void {
  services.metrics.add('UnknownStatuses', 1);
  services.log.warn('A provider said a status that is not known; the batch counts as pending.', {
    ...nameOf(shard),
    status,
  });
}

function isSame(left: ShardRecord, right: ShardRecord): boolean {
  return (
    left.providerStatus === right.providerStatus &&
    left.lastError === right.lastError &&
    (left.failures === null) === (right.failures === null) &&
    JSON.stringify(left.counts) === JSON.stringify(right.counts)
  );
}

/** The provider ended the batch before running any of it, for want of room in its queue. */
async function requeue(services: Services, shard: ShardRecord, reason: string): Promise<ShardRecord> {
  const pause = deferralSeconds(shard.deferrals, services.config.polling.minSeconds, null);
  const nowMs = services.now();
  const deferral = { reason: safeText(reason), notBeforeMs: nowMs + pause * 1_000, nowMs };
  return services.records.updateShard(shard, (current) =>
    current.status === 'submitted' ? deferShard(current, deferral) : current,
  );
}

/** The provider failed the batch before running any of it, for what its lines may be the reason: Submit takes the shard apart. */
async function refuse(
  services: Services,
  shard: ShardRecord,
  { providerBatchId, status }: ProviderBatch,
  failure: SendingRefusal,
): Promise<ShardRecord> {
  const refusal = refusalOf(failure, 'failed', providerBatchId);
  const providerStatus = safeText(status);
  return services.records.updateShard(shard, (current) =>
    current.status === 'submitted' ? refuseShard({ ...current, providerStatus }, refusal) : current,
  );
}

function providerHasEnded(found: ProviderBatch): boolean {
  return endOf(found) !== null;
}

function endOf(found: ProviderBatch): ShardEnd | null {
  switch (found.phase) {
    case 'validating':
    case 'in_progress':
    case 'cancelling':
      return null;
    case 'completed':
      return {
        reason: 'completed',
        code: 'result_missing',
        message: 'The provider ended its batch without a result for this request.',
      };
    case 'expired':
      return {
        reason: 'expired',
        code: 'batch_expired',
        message: 'This request could not be executed before the completion window expired.',
      };
    case 'cancelled':
      return cancelledEnd;
    case 'failed': {
      const code = safeText(found.failure?.code ?? 'provider_batch_failed');
      const message = safeText(found.failure?.message ?? 'The provider failed the batch without saying why.');
      return { reason: 'failed', code, message };
    }
  }
}

/** Counts are set from a recount, never added to. */
async function noteProgress(services: Services, batch: BatchRecord, shards: readonly ShardRecord[]): Promise<void> {
  const settled = batch.rounds.at(-1)?.settled;
  if (!settled || batch.status === 'finalizing') return;
  const counts = { total: batch.counts.total, ...settled };
  for (const shard of shards) {
    const known = shard.result ?? shard.counts;
    counts.completed += known?.completed ?? 0;
    counts.failed += known?.failed ?? 0;
  }
  const done = ({ completed, failed }: typeof counts) => completed + failed;
  const waiting = waitingOf(batch, shards, done(counts) > done(batch.counts), services.now());
  if (JSON.stringify([counts, waiting]) === JSON.stringify([batch.counts, batch.waiting])) return;
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    const isRunning = current.status === 'in_progress' || current.status === 'cancelling';
    return isRunning ? { ...current, counts, waiting } : current;
  });
  await writeStatus(services, batch.id);
}

function decide(services: Services, batch: BatchRecord, shards: readonly ShardRecord[], eventsBefore: number): Turn {
  const nowMs = services.now();
  const dueForSubmit = inTurn(shards.filter((shard) => isForSubmit(shard, nowMs)));
  const live = dueForSubmit.filter((shard) => shard.live).slice(0, maxLiveShardsPerTurn);
  const submit = dueForSubmit.filter((shard) => !shard.live || live.includes(shard)).slice(0, maxShardsPerTurn);
  const dueForCollect = inTurn(shards.filter((shard) => shard.status === 'ended' && nowMs >= shard.notBeforeMs));
  const collect = dueForCollect.slice(0, maxShardsPerTurn);
  const open = shards.filter((shard) => shard.status !== 'collected');
  const mayCollectMore = dueForCollect.length > collect.length || collect.length === open.length;
  const hasMore =
    (submit.length === maxShardsPerTurn && submit.some(willMove)) || (mayCollectMore && collect.some(willMove));
  return {
    submit: submit.map((shard) => shard.shard),
    collect: collect.map((shard) => shard.shard),
    waitSeconds: hasMore ? 0 : pauseOf(services, batch, open, submit),
    finished: open.length === 0,
    continue: false,
    events: eventsBefore + eventsPerTurn + eventsPerShard * (submit.length + collect.length),
  };
}

/**
 * In which order shards are offered: a shard in trouble stands behind those that have failed less often, and one that is
 * looked for behind those that can be sent; of equals the one that has waited longest comes first.
 */
function inTurn(shards: readonly ShardRecord[]): ShardRecord[] {
  const rank = (shard: ShardRecord) => [shard.deferrals, shard.status === 'submitting' ? 1 : 0, shard.notBeforeMs];
  return shards.toSorted((left, right) => {
    const theirs = rank(right);
    const difference = rank(left).findIndex((value, place) => value !== theirs[place]);
    return difference < 0 ? left.shard - right.shard : (rank(left)[difference] ?? 0) - (theirs[difference] ?? 0);
  });
}

/** A shard that is offered for the first time moves, or fails and counts it: after such a turn the next one need not wait. */
function willMove(shard: ShardRecord): boolean {
  return shard.deferrals === 0 && (shard.status === 'pending' || shard.status === 'ended');
}

function isForSubmit(shard: ShardRecord, nowMs: number): boolean {
  if (shard.status === 'pending') return nowMs >= shard.notBeforeMs;
  if (shard.live) return shard.status === 'submitted' && nowMs >= shard.notBeforeMs && !hasLease(shard.live, nowMs);
  return shard.status === 'submitting' && nowMs >= Math.max(shard.intent?.leaseUntilMs ?? 0, shard.notBeforeMs);
}

/** A live shard has its next slice soon: it waits for us, not for a provider. */
function pauseOf(
  services: Services,
  batch: BatchRecord,
  open: readonly ShardRecord[],
  submit: readonly ShardRecord[],
): number {
  if (submit.some((shard) => shard.live)) return 1;
  const seconds = secondsToNextLook(services, batch);
  const soon = open.some((shard) => shard.live) ? Math.min(seconds, services.config.polling.minSeconds) : seconds;
  return Math.min(soon, secondsToNextCollect(services, open));
}

/** The older the batch, the longer the pause. */
function secondsToNextLook(services: Services, batch: Pick<BatchRecord, 'inProgressAt' | 'createdAt'>): number {
  const ageSeconds = services.now() / 1_000 - (batch.inProgressAt ?? batch.createdAt);
  return waitSeconds(ageSeconds, services.config.polling, services.random());
}

/** Results that could not be read are asked for when it is time, however old the batch is. */
function secondsToNextCollect(services: Services, open: readonly ShardRecord[]): number {
  const dueAtMs = open.flatMap((shard) => (shard.status === 'ended' ? [shard.notBeforeMs] : []));
  const earliest = dueAtMs.reduce((left, right) => Math.min(left, right), Number.POSITIVE_INFINITY);
  return Math.max(1, Math.ceil((earliest - services.now()) / 1_000));
}
