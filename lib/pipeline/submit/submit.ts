import type { LineIndex } from '../../lines/line-index.ts';
import type {
  CreateOutcome,
  LostCreateFinding,
  Sending,
  SendingRefusal,
  UploadOutcome,
} from '../../providers/contract.ts';
import { ownEndpoint } from '../../providers/own-endpoint.ts';
import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { messageOf, ProviderAuthenticationError, safeText } from '../../records/errors.ts';
import { sendingPrefix } from '../../records/ids.ts';
import { deferralSeconds } from '../../records/schedule.ts';
import {
  beginCreating,
  beginSending,
  deferShard,
  endShard,
  type Intent,
  isToBeSplit,
  markSubmitted,
  noteFailure,
  refuseShard,
  type ShardEnd,
  type ShardRecord,
} from '../../records/shard.ts';
import { beginLive, runSlice } from '../live/live-shard.ts';
import { countRefusedKey } from '../metrics.ts';
import type { Account, Services, StepContext } from '../services.ts';
import { reserveCost } from '../shards/cost-budget.ts';
import { failuresAfter, keepFailure } from '../shards/kept-failure.ts';
import { acquireSemaphores, ownerOf, releaseSemaphores, waitForPlace } from '../shards/provider-semaphores.ts';
import { refusalOf } from '../shards/refusal.ts';
import { readIndex, readSentLines, sharedMembersOf } from '../shards/shard-lines.ts';
import { nameOf } from '../shards/shard-name.ts';
import type { ShardStep } from '../step.ts';
import { takeApart } from './take-apart.ts';

/** Left of a function's time after a create, to write down what became of it. */
const recordingMs = 15_000;

/** Left of a function's time to take a refused shard apart at once; 200 MB are copied in half of it. */
const takingApartMs = 30_000;

/** How long after a cancellation a create of unknown outcome is looked for, so that its batch is cancelled as well. */
const cancelPatienceMs = 15 * 60_000;

/**
 * Sends one shard: records its intent, uploads, records the uploaded file, creates, records the provider's id. Run
 * again at any point, it finds in the record what may already have happened and reconciles before it sends anything.
 */
export async function submit(services: Services, step: ShardStep, context: StepContext): Promise<{ status: string }> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  const set = batch.rounds.at(-1)?.token ?? '';
  const shard = await services.records.getShard({ batchId: batch.id, set, shard: step.shard });
  const after = await keepFailure(services, 'submit', shard, () => advance(services, batch, shard, context));
  return { status: after.status };
}

async function advance(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  const nowMs = services.now();
  switch (shard.status) {
    case 'pending':
      return mayStillSend(batch, nowMs) && nowMs >= shard.notBeforeMs ? begin(services, batch, shard, context) : shard;
    case 'submitting':
      return reconcile(services, batch, shard, context);
    case 'submitted':
      return shard.live && mayStillSend(batch, nowMs) ? continueLive(services, batch, shard, context) : shard;
    case 'ended':
    case 'collected':
    case 'split':
      return shard;
  }
}

async function begin(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  const account = accountOf(services, shard); // before the claim: a shard whose account is gone is not being sent
  if (isToBeSplit(shard)) return takeApart(services, account, batch, shard);
  // Before the claim, which notes it: a reservation that no claim followed is found again by its shard.
  const reservation = await reserveCost(services, batch, shard);
  if (!reservation.isReserved) return endOverCap(services, shard, reservation.message);
  if (shard.live) return continueLive(services, batch, await beginLive(services, shard, reservation.usd), context);
  const after = await send(services, batch.tenant, shard, reservation.usd, context);
  const isTime = context.remainingMs() > takingApartMs;
  return isToBeSplit(after) && isTime ? takeApart(services, account, batch, after) : after;
}

/** Requests that go one by one go on where the last slice ended. */
async function continueLive(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  return runSlice(services, accountOf(services, shard), batch, shard, context);
}

/** A cancelled or overdue batch sends nothing more; Poll ends its pending shards. */
function mayStillSend(batch: BatchRecord, nowMs: number): boolean {
  return batch.status === 'in_progress' && nowMs < batch.deadlineAt * 1_000;
}

async function endOverCap(services: Services, shard: ShardRecord, message: string): Promise<ShardRecord> {
  services.log.warn('A shard was not sent: it would pass the cap on the cost.', nameOf(shard));
  const end: ShardEnd = { reason: 'refused', code: 'budget_exceeded', message };
  return services.records.updateShard(shard, (current) =>
    current.status === 'pending' && current.version === shard.version
      ? endShard(current, end, services.now())
      : current,
  );
}

async function send(
  services: Services,
  tenant: string,
  shard: ShardRecord,
  reservedUsd: number | undefined,
  context: StepContext,
): Promise<ShardRecord> {
  const token = services.token();
  const nowMs = services.now();
  const claim = { token, nowMs, leaseUntilMs: nowMs + context.remainingMs(), reservedUsd };
  const claimed = await services.records.updateShard(shard, (current) =>
    current.status === 'pending' && current.version === shard.version ? beginSending(current, claim) : current,
  );
  const intent = claimed.intent;
  if (claimed.status !== 'submitting' || intent?.token !== token) return claimed;
  // Only now: the place of a shard that is not being sent counts as left behind, and others take it.
  const account = accountOf(services, claimed);
  const acquisition = await acquireSemaphores(services, account, tenant, claimed);
  if (!acquisition.isAcquired) {
    const waiting = await undoClaim(services, claimed, intent, acquisition.reason, acquisition.retryAfterSeconds);
    await waitForPlace(services, acquisition.waitingList, tenant, waiting, waiting.notBeforeMs);
    return waiting;
  }
  return sendClaimed(services, claimed, intent, context);
}

async function sendClaimed(
  services: Services,
  shard: ShardRecord,
  intent: Intent,
  context: StepContext,
): Promise<ShardRecord> {
  const account = accountOf(services, shard);
  const upload = await uploadClaimed(services, account, shard, intent, context);
  switch (upload.outcome) {
    case 'refused':
      return endRefused(services, shard, intent, upload);
    case 'deferred':
      return defer(services, shard, intent, upload.message, upload.retryAfterSeconds, upload.failures);
    case 'uploaded':
      return create(services, account, shard, upload, context);
  }
}

interface Uploaded {
  outcome: 'uploaded';
  providerInputFileId: string | null;
  sending: Sending;
}

interface Deferred {
  outcome: 'deferred';
  message: string;
  retryAfterSeconds: number | null;
  failures: ShardRecord['failures'];
}

/** Whatever goes wrong up to here, nothing was created: the shard may be sent again. */
async function uploadClaimed(
  services: Services,
  account: Account,
  shard: ShardRecord,
  intent: Intent,
  context: StepContext,
): Promise<Exclude<UploadOutcome, { outcome: 'uploaded' | 'deferred' }> | Deferred | Uploaded> {
  try {
    const index = await readIndex(services.objects, shard);
    const sending = sendingOf(services, shard, intent, index);
    const upload = await account.client.upload(sending, context.signal);
    switch (upload.outcome) {
      case 'uploaded':
        return { ...upload, sending };
      case 'deferred':
        return { ...upload, failures: null };
      case 'refused':
        return upload;
    }
  } catch (error) {
    countRefusedKey(services, error);
    const message = safeText(messageOf(error));
    services.log.error('A shard could not be sent; it will be tried again.', { ...nameOf(shard), error: message });
    return {
      outcome: 'deferred',
      message,
      retryAfterSeconds: null,
      failures: failuresAfter(services, shard, 'submit', error),
    };
  }
}

async function create(
  services: Services,
  account: Account,
  shard: ShardRecord,
  { sending, providerInputFileId }: Uploaded,
  context: StepContext,
): Promise<ShardRecord> {
  const neededMs = account.config.createTimeoutSeconds * 1_000 + recordingMs;
  const intent = shard.intent;
  if (!intent) return shard;
  if (context.remainingMs() < neededMs)
    return defer(
      services,
      shard,
      intent,
      'The upload left too little time for the create; it is tried in a run of its own.',
      null,
    );
  const creating = await services.records.updateShard(shard, (current) =>
    isOwn(current, intent) ? beginCreating(current, intent, providerInputFileId, services.now()) : current,
  );
  if (!isOwn(creating, intent) || creating.intent?.phase !== 'creating') return creating;
  // The batch may have been cancelled while we uploaded: nothing has been created yet, so nothing needs to be.
  const batch = await services.records.getBatch(shard.batchId);
  if (!mayStillSend(batch, services.now()))
    return defer(services, creating, intent, 'The batch was closed before the create.', null);
  const outcome = await createOnce(services, account, sending, providerInputFileId, context);
  return record(services, account, creating, outcome, context);
}

/** A wrong key proves that nothing was created; any other surprise proves nothing. */
async function createOnce(
  services: Services,
  account: Account,
  sending: Sending,
  providerInputFileId: string | null,
  context: StepContext,
): Promise<CreateOutcome> {
  try {
    return await account.client.create(sending, providerInputFileId, context.signal);
  } catch (error) {
    countRefusedKey(services, error);
    const message = safeText(messageOf(error));
    if (error instanceof ProviderAuthenticationError) return { outcome: 'deferred', message, retryAfterSeconds: null };
    return { outcome: 'unknown', message };
  }
}

async function record(
  services: Services,
  account: Account,
  shard: ShardRecord,
  outcome: CreateOutcome,
  context: StepContext,
): Promise<ShardRecord> {
  const intent = shard.intent;
  if (!intent) return shard;
  switch (outcome.outcome) {
    case 'created':
      return (
        (await adopt(services, account, shard, outcome.providerBatchId, context)) ??
        releaseUnknown(services, shard, intent, claimedReason(outcome.providerBatchId), { isCreated: true })
      );
    case 'refused':
      return endRefused(services, shard, intent, outcome);
    case 'deferred':
      return defer(services, shard, intent, outcome.message, outcome.retryAfterSeconds);
    case 'unknown':
      services.log.warn(
        'A create ended with unknown outcome; it is looked up before anything is sent again.',
        nameOf(shard),
      );
      return releaseUnknown(services, shard, intent, outcome.message);
  }
}

/** @returns null where the provider gave the id before, and another shard claimed it: what became of this one is unknown. */
async function adopt(
  services: Services,
  account: Account,
  shard: ShardRecord,
  providerBatchId: string,
  context: StepContext,
): Promise<ShardRecord | null> {
  const isOurs = await services.records.claimProviderBatch(account.name, providerBatchId, ownerOf(shard));
  if (!isOurs) return null;
  const adopted = await services.records.updateShard(shard, (current) =>
    current.status === 'submitting' ? markSubmitted(current, providerBatchId, services.now()) : current,
  );
  const batch = await services.records.getBatch(shard.batchId);
  if (batch.status === 'cancelling') await account.client.cancel(providerBatchId, context.signal);
  return adopted;
}

function claimedReason(providerBatchId: string): string {
  return `the provider named the batch ${providerBatchId}, which it had named for other requests before`;
}

const createdElsewhere = 'the provider said that it created it, under the id of other requests, and does not list it';

/** Nothing is sent until the last create is known to have come to nothing. */
async function reconcile(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  context: StepContext,
): Promise<ShardRecord> {
  const intent = shard.intent;
  if (!intent || services.now() < intent.leaseUntilMs) return shard;
  if (intent.phase === 'uploading' || intent.createStartedAtMs === null)
    return defer(services, shard, intent, 'The sending was interrupted before the create.', null);
  if (services.now() < shard.notBeforeMs && !isOver(services, batch)) return shard;
  const found = await lookForLost(services, shard, intent, intent.createStartedAtMs, context);
  switch (found.finding) {
    case 'early':
      return shard;
    case 'found': {
      const { providerBatchId } = found;
      const adopted = await adopt(services, accountOf(services, shard), shard, providerBatchId, context);
      return adopted ?? leaveUndecided(services, batch, shard, intent, claimedReason(providerBatchId));
    }
    case 'none':
      return intent.isCreated
        ? leaveUndecided(services, batch, shard, intent, createdElsewhere)
        : defer(services, shard, intent, 'The last create came to nothing.', null);
    case 'undecided':
      return leaveUndecided(services, batch, shard, intent, found.reason);
  }
}

/** A look that fails, for whatever reason, decides nothing; `early` where the create may not be listed yet. */
async function lookForLost(
  services: Services,
  shard: ShardRecord,
  intent: Intent,
  createStartedAtMs: number,
  context: StepContext,
): Promise<LostCreateFinding | { finding: 'early' }> {
  try {
    const account = accountOf(services, shard);
    const { createTimeoutSeconds, settleSeconds } = account.config;
    // The create itself begins after that note, once its body is ready; the end of the lease is the latest end of it.
    const overAtMs = Math.max(createStartedAtMs + createTimeoutSeconds * 1_000, intent.leaseUntilMs);
    const windowEndMs = overAtMs + settleSeconds * 1_000;
    if (services.now() < windowEndMs) return { finding: 'early' };
    const index = await readIndex(services.objects, shard);
    const lost = {
      sending: sendingOf(services, shard, intent, index),
      providerInputFileId: intent.providerInputFileId,
      windowStartMs: createStartedAtMs,
      windowEndMs,
      isClaimed: async (id: string) => {
        const owner = await services.records.providerBatchOwner(account.name, id);
        return owner !== null && owner !== ownerOf(shard);
      },
    };
    return await account.client.findLost(lost, context.signal);
  } catch (error) {
    countRefusedKey(services, error);
    const reason = `its batches could not be looked through: ${messageOf(error)}`;
    return { finding: 'undecided', providerBatchIds: [], reason };
  }
}

/** The shard waits with growing pauses, for as long as its batch does. */
async function leaveUndecided(
  services: Services,
  batch: BatchRecord,
  shard: ShardRecord,
  intent: Intent,
  reason: string,
): Promise<ShardRecord> {
  const message = safeText(`It could not be proven whether the provider accepted this request: ${reason}.`);
  services.log.warn('A create may have come to something; it is looked for again.', {
    ...nameOf(shard),
    reason: message,
  });
  if (!isOver(services, batch)) {
    const notBeforeMs = Math.min(await nextChanceMs(services, shard, null), batch.deadlineAt * 1_000);
    const deferral = { reason: message, notBeforeMs, nowMs: services.now() };
    return services.records.updateShard(shard, (current) =>
      isOwn(current, intent) ? noteFailure(current, deferral) : current,
    );
  }
  const end = {
    reason: 'unconfirmed' as const,
    code: 'submission_unconfirmed',
    message: `${message} It was not sent again.`,
  };
  const after = await endOwn(services, shard, intent, end);
  if (after.end === end) services.metrics.add('UnconfirmedSubmissions', shard.lineCount);
  return after;
}

/** Whether the batch waits for nothing more: its deadline is past, or it was cancelled a while ago. */
function isOver(services: Services, batch: BatchRecord): boolean {
  const nowMs = services.now();
  if (nowMs >= batch.deadlineAt * 1_000) return true;
  return batch.status === 'cancelling' && nowMs >= (batch.cancellingAt ?? 0) * 1_000 + cancelPatienceMs;
}

async function endRefused(
  services: Services,
  shard: ShardRecord,
  intent: Intent,
  refusal: SendingRefusal,
): Promise<ShardRecord> {
  const kept = refusalOf(refusal, 'refused');
  const { code, message } = kept;
  services.log.warn('A provider refused a batch.', { ...nameOf(shard), code, error: message });
  if (!refusal.isUntouched) return endOwn(services, shard, intent, { reason: 'refused', code, message });
  const after = await services.records.updateShard(shard, (current) =>
    isOwn(current, intent) ? refuseShard(current, kept) : current,
  );
  if (after.status === 'pending') await releaseSemaphores(services, after);
  return after;
}

async function endOwn(services: Services, shard: ShardRecord, intent: Intent, end: ShardEnd): Promise<ShardRecord> {
  const after = await services.records.updateShard(shard, (current) =>
    isOwn(current, intent) ? endShard(current, end, services.now()) : current,
  );
  if (after.status === 'ended') await releaseSemaphores(services, after);
  return after;
}

/** Only after a proof that nothing was created. */
async function defer(
  services: Services,
  shard: ShardRecord,
  intent: Intent,
  reason: string,
  retryAfterSeconds: number | null,
  failures: ShardRecord['failures'] = null,
): Promise<ShardRecord> {
  const notBeforeMs = await nextChanceMs(services, shard, retryAfterSeconds);
  const deferral = { reason: safeText(reason), notBeforeMs, nowMs: services.now() };
  const after = await services.records.updateShard(shard, (current) =>
    isOwn(current, intent) ? deferShard(current, deferral, failures) : current,
  );
  if (after.status === 'pending') await releaseSemaphores(services, after);
  return after;
}

/** The provider has no place: the claim is undone, and was no sending. */
async function undoClaim(
  services: Services,
  shard: ShardRecord,
  intent: Intent,
  reason: string,
  retryAfterSeconds: number | null,
): Promise<ShardRecord> {
  const notBeforeMs = await nextChanceMs(services, shard, retryAfterSeconds);
  const deferral = { reason, notBeforeMs, nowMs: services.now() };
  return services.records.updateShard(shard, (current) =>
    isOwn(current, intent) ? { ...deferShard(current, deferral), attempts: current.attempts - 1 } : current,
  );
}

async function nextChanceMs(services: Services, shard: ShardRecord, retryAfterSeconds: number | null): Promise<number> {
  const { options } = await services.records.getBatch(shard.batchId);
  const pause = deferralSeconds(shard.deferrals, services.config.polling.minSeconds, retryAfterSeconds);
  return Math.round(services.now() + pause * pauseFactor[options.priority] * 1_000);
}

/** Who asks again sooner gets the place that becomes free. */
const pauseFactor = { high: 0.5, normal: 1, low: 2 } as const;

/** The create is over, whatever became of it: others may look for it. */
async function releaseUnknown(
  services: Services,
  shard: ShardRecord,
  intent: Intent,
  message: string,
  known: Pick<Intent, 'isCreated'> = {},
): Promise<ShardRecord> {
  const nowMs = services.now();
  return services.records.updateShard(shard, (current) =>
    isOwn(current, intent) && current.intent
      ? { ...current, lastError: safeText(message), intent: { ...current.intent, ...known, leaseUntilMs: nowMs } }
      : current,
  );
}

function isOwn(shard: ShardRecord, intent: Intent): boolean {
  return shard.status === 'submitting' && shard.intent?.token === intent.token;
}

function accountOf(services: Services, shard: ShardRecord): Account {
  if (shard.provider === null) throw new Error(`${ownerOf(shard)} holds refused lines; it is never sent.`);
  return services.account(shard.provider);
}

function sendingOf(services: Services, shard: ShardRecord, intent: Intent, index: LineIndex): Sending {
  const { batchId, round, shard: position } = shard;
  const prefix = sendingPrefix({ batchId, round, shard: position, attempt: intent.attempt });
  return {
    batchId,
    prefix,
    token: intent.token,
    endpoint: ownEndpoint(accountOf(services, shard).provider, shard),
    model: shard.model,
    shared: sharedMembersOf(shard),
    lineCount: shard.lineCount,
    lines: (separator) => readSentLines(services.objects, shard, index, { prefix, model: shard.model, separator }),
    metadata: { batchdrop_batch: batchId, batchdrop_shard: `${round}/${position}`, batchdrop_token: intent.token },
  };
}
