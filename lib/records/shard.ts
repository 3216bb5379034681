import { z } from 'zod';
import { endpoints } from './endpoints.ts';
import { shardStatuses } from './shard-status.ts';
import { stepFailuresSchema } from './step-failures.ts';
import { usageSchema } from './usage.ts';

const milliseconds = z.number().int();

/** What Submit is about to do, written before it does it. */
export const intentSchema = z.object({
  /** Sendings of this shard so far, this one included. */
  attempt: z.number().int(),
  /** Random; goes with the provider's batch as proof that it is ours. */
  token: z.string(),
  /** `creating` from just before the create: from then on its outcome is unknown until recorded. */
  phase: z.enum(['uploading', 'creating']),
  startedAtMs: milliseconds,
  /** Until then the writer of the intent may still be at work, and nobody else may touch the shard. */
  leaseUntilMs: milliseconds,
  createStartedAtMs: milliseconds.nullable(),
  /** The provider's id of the uploaded input, persisted before the create. */
  providerInputFileId: z.string().nullable(),
  /** Set where the provider said that it created it, under an id that another shard has: no list can prove that it did not. */
  isCreated: z.literal(true).optional(),
});

export type Intent = z.infer<typeof intentSchema>;

/** Why no answer will come any more. Every line without a result gets this as its error. */
export const shardEndSchema = z.object({
  reason: z.enum(['completed', 'failed', 'expired', 'cancelled', 'refused', 'unconfirmed']),
  code: z.string(),
  message: z.string(),
});

export type ShardEnd = z.infer<typeof shardEndSchema>;

/** Why a provider took none of a shard's lines, of which nothing can have run: the shard is taken apart. */
export const refusalSchema = z.object({
  /** How the shard ends where it is not taken apart any further. */
  reason: z.enum(['refused', 'failed']),
  code: z.string(),
  message: z.string(),
  /** The lines that the provider names, by their places in the shard. */
  lines: z.array(z.object({ position: z.number().int(), code: z.string(), message: z.string() })),
  /** The provider's batch that failed before it began; null where none was created. */
  providerBatchId: z.string().nullable(),
});

export type Refusal = z.infer<typeof refusalSchema>;

/** How the shards of a cancelled batch end. */
export const cancelledEnd: ShardEnd = {
  reason: 'cancelled',
  code: 'batch_cancelled',
  message: 'This request was not executed because the batch was cancelled.',
};

export const shardResultSchema = z.object({
  /** Result lines of requests that succeeded, in the shard's order; null where none did. */
  outputKey: z.string().nullable(),
  errorsKey: z.string().nullable(),
  /** Which line stands where: see `ResultIndex`. */
  indexKey: z.string(),
  outputBytes: z.number().int(),
  errorBytes: z.number().int(),
  /** In hex, of the objects as they were written. */
  outputSha256: z.string().nullable().default(null),
  errorsSha256: z.string().nullable().default(null),
  completed: z.number().int(),
  failed: z.number().int(),
  /** How many of the failed may be sent again. */
  retryable: z.number().int(),
  /** How many of the failed ran out of time. */
  expired: z.number().int(),
  /** How many of the failed were never executed: those that expired or were cancelled. */
  unexecuted: z.number().int(),
  /** What the provider's answer had beside one good line per request. */
  doubled: z.number().int(),
  malformed: z.number().int(),
  foreign: z.number().int(),
  missing: z.number().int(),
  /** How many of the failed may have been paid for although their answers could not be had. */
  lost: z.number().int().default(0),
  /** The provider's result files as they came, kept where answers are lost. */
  rawKeys: z.array(z.string()).default([]),
  /** Answers that cannot be used as what their schemas ask for; absent where none was held against a schema. */
  invalidOutputs: z.number().int().optional(),
  /** What is to be added to the batch's warnings; absent where nothing is. */
  warnings: z.object({ key: z.string(), bytes: z.number().int(), count: z.number().int() }).optional(),
  usage: usageSchema,
  /** US dollars, each answer priced by itself; null where no price is known. Absent from records of before this was kept. */
  costUsd: z.number().nullable().optional(),
  /** SHA-256 of the provider's result files as they came, in hex, in their order. */
  sourceSha256: z.array(z.string()),
});

export type ShardResult = z.infer<typeof shardResultSchema>;

/** How far a shard is whose requests functions of ours send one by one, a slice of time each. */
export const liveWorkSchema = z.object({
  /** Who sends at present. Nobody else may before it is over, and who lost it commits nothing. */
  lease: z.object({ token: z.string(), untilMs: milliseconds }).nullable(),
  /** The object that says which lines are answered, and where; null before the first answer. */
  progressKey: z.string().nullable(),
  answered: z.number().int(),
  /** How many of the answered failed. */
  failed: z.number().int(),
});

export type LiveWork = z.infer<typeof liveWorkSchema>;

export const noLiveWork: LiveWork = { lease: null, progressKey: null, answered: 0, failed: 0 };

/** A shard as DynamoDB holds it: lines that one provider batch takes together. */
export const shardRecordSchema = z.object({
  batchId: z.string(),
  round: z.number().int(),
  /** Token of the run that wrote it; the batch names it. */
  set: z.string(),
  /** Place within the round, from 0. */
  shard: z.number().int(),
  version: z.number().int(),
  status: z.enum(shardStatuses),
  /** Null for the shard that holds the lines which validation refused: it is born collected. */
  provider: z.string().nullable(),
  /** As the provider calls it; for a shard of many models, the first one's. */
  model: z.string(),
  endpoint: z.enum(endpoints),
  lineCount: z.number().int(),
  /** The first and the last of the batch's requests that it may hold, others between them. Absent from older records. */
  ordinals: z.object({ first: z.number().int(), last: z.number().int() }).optional(),
  bytes: z.number().int(),
  /** Prompt tokens of all its requests, estimated. */
  estimatedTokens: z.number().int().default(0),
  /** What its requests may cost, the way it goes, in US dollars; null where no price is known. Absent from older records. */
  estimatedUsd: z.number().nullable().optional(),
  /** The same, should its requests go as single calls. */
  estimatedSingleUsd: z.number().nullable().optional(),
  /** What the batch's budget counts for it, from its first sending until its answers are priced. Absent without a cap. */
  reservedUsd: z.number().optional(),
  /** JSON of what its lines say for their whole sending; absent where they say nothing. */
  shared: z.string().optional(),
  /** Whether requests may ask for a schema of their answers; absent where none does, and from older records. */
  hasSchemas: z.boolean().optional(),
  /** The requests' own bytes, in input order, one per line. */
  linesKey: z.string(),
  /** The same lines as the provider gets them, with a placeholder for each id; null where they go in their own bytes. */
  sentKey: z.string().nullable(),
  indexKey: z.string(),
  /** Sendings that were begun. */
  attempts: z.number().int(),
  intent: intentSchema.nullable(),
  /** A pending shard is not sent before this, and an ended one is not collected. */
  notBeforeMs: milliseconds,
  /** How often in a row the provider had no place for it, or its results could not be read. */
  deferrals: z.number().int(),
  /** When the first of them was. Absent from older records. */
  deferredSinceMs: milliseconds.optional(),
  /** What went wrong last, for a person to read. */
  lastError: z.string().nullable(),
  /** Of the step that is due. */
  failures: stepFailuresSchema.nullable().default(null),
  providerBatchId: z.string().nullable(),
  providerStatus: z.string().nullable(),
  submittedAtMs: milliseconds.nullable(),
  endedAtMs: milliseconds.nullable(),
  collectedAtMs: milliseconds.nullable().default(null),
  counts: z.object({ total: z.number().int(), completed: z.number().int(), failed: z.number().int() }).nullable(),
  cancelRequestedAtMs: milliseconds.nullable(),
  end: shardEndSchema.nullable(),
  /** Downloads that lacked results although they came to an end, and those that the provider refused. */
  shortDownloads: z.number().int(),
  /** When the first of them was. */
  firstShortAtMs: milliseconds.nullable().default(null),
  /** Null for a shard that goes as a batch of its provider. */
  live: liveWorkSchema.nullable().default(null),
  /** The shard whose lost results are read again, in a round that sends nothing; null for a shard of a sending. */
  rereads: z.object({ set: z.string(), round: z.number().int(), shard: z.number().int() }).nullable().default(null),
  /** A pending shard that has one is not sent again but taken apart. */
  refusal: refusalSchema.nullable().default(null),
  /** The shards that hold its lines now; null for one that holds them itself. */
  parts: z.array(z.number().int()).nullable().default(null),
  /**
   * Null for a shard that the round began with. A part exists for readers once the shard from which it was taken names it:
   * others were written by a run that died or lost.
   */
  partOf: z.object({ shard: z.number().int(), origin: z.number().int() }).nullable().default(null),
  /** Of a shard that the round began with: how many numbers its parts took so far, and how many sendings they stand for. */
  reserved: z.object({ numbers: z.number().int(), sendings: z.number().int() }).default({ numbers: 0, sendings: 0 }),
  result: shardResultSchema.nullable(),
});

export type ShardRecord = z.infer<typeof shardRecordSchema>;

export type ShardPlan = Pick<
  ShardRecord,
  | 'batchId'
  | 'round'
  | 'set'
  | 'shard'
  | 'provider'
  | 'model'
  | 'endpoint'
  | 'lineCount'
  | 'ordinals'
  | 'bytes'
  | 'estimatedTokens'
  | 'estimatedUsd'
  | 'estimatedSingleUsd'
  | 'shared'
  | 'hasSchemas'
  | 'linesKey'
  | 'sentKey'
  | 'indexKey'
>;

export function newShard(plan: ShardPlan): ShardRecord {
  return {
    ...plan,
    version: 0,
    status: 'pending',
    attempts: 0,
    intent: null,
    notBeforeMs: 0,
    deferrals: 0,
    lastError: null,
    failures: null,
    providerBatchId: null,
    providerStatus: null,
    submittedAtMs: null,
    endedAtMs: null,
    collectedAtMs: null,
    counts: null,
    cancelRequestedAtMs: null,
    end: null,
    shortDownloads: 0,
    firstShortAtMs: null,
    live: null,
    rereads: null,
    refusal: null,
    parts: null,
    partOf: null,
    reserved: { numbers: 0, sendings: 0 },
    result: null,
  };
}

interface Claim {
  token: string;
  nowMs: number;
  leaseUntilMs: number;
  /** What the batch's budget counts for it; absent without a cap. */
  reservedUsd?: number | undefined;
}

/** Claims the shard for one sending. */
export function beginSending(shard: ShardRecord, claim: Claim): ShardRecord {
  const attempt = shard.attempts + 1;
  const intent: Intent = {
    attempt,
    token: claim.token,
    phase: 'uploading',
    startedAtMs: claim.nowMs,
    leaseUntilMs: claim.leaseUntilMs,
    createStartedAtMs: null,
    providerInputFileId: null,
  };
  const { reservedUsd } = claim;
  return {
    ...shard,
    status: 'submitting',
    attempts: attempt,
    intent,
    ...(reservedUsd !== undefined && { reservedUsd }),
  };
}

export function beginCreating(
  shard: ShardRecord,
  intent: Intent,
  providerInputFileId: string | null,
  nowMs: number,
): ShardRecord {
  return { ...shard, intent: { ...intent, phase: 'creating', createStartedAtMs: nowMs, providerInputFileId } };
}

export function markSubmitted(shard: ShardRecord, providerBatchId: string, nowMs: number): ShardRecord {
  return {
    ...shard,
    failures: null,
    status: 'submitted',
    providerBatchId,
    submittedAtMs: nowMs,
    deferrals: 0,
    lastError: null,
  };
}

/** Why the work on a shard is put off, and until when. */
export interface Deferral {
  reason: string;
  notBeforeMs: number;
  nowMs: number;
}

function putOff(shard: ShardRecord, { reason, notBeforeMs, nowMs }: Deferral) {
  const { deferrals, deferredSinceMs } = shard;
  return {
    notBeforeMs,
    deferrals: deferrals + 1,
    deferredSinceMs: deferrals === 0 ? nowMs : deferredSinceMs,
    lastError: reason,
  };
}

/**
 * Nothing was created: the shard waits for its next chance.
 *
 * @param failures of the step, where it was no waiting for others.
 */
export function deferShard(
  shard: ShardRecord,
  deferral: Deferral,
  failures: ShardRecord['failures'] = null,
): ShardRecord {
  const waiting = putOff(shard, deferral);
  return { ...shard, ...waiting, failures, status: 'pending', intent: null, providerBatchId: null };
}

/** The work on it failed, and nothing is known to have changed: it is tried again later. A shard that waits for others stays as it is. */
export function noteFailure(shard: ShardRecord, deferral: Deferral): ShardRecord {
  if (shard.status === 'submitted' || shard.status === 'collected' || shard.status === 'split') return shard;
  return { ...shard, ...putOff(shard, deferral) };
}

/** The provider took none of it: it is taken apart next. */
export function refuseShard(shard: ShardRecord, refusal: Refusal): ShardRecord {
  return {
    ...shard,
    failures: null,
    status: 'pending',
    intent: null,
    providerBatchId: null,
    counts: null,
    notBeforeMs: 0,
    deferrals: 0,
    lastError: refusal.message,
    refusal,
  };
}

/** Numbers of a round's shards that are kept for the parts of each shard that the round began with. */
const numbersPerShard = 128;
/** Sendings of a shard that the round began with, its own and those of its parts: enough to find one line among 100,000. */
const maxSendings = 64;

/**
 * Keeps numbers, and as many of the sendings that are left, for parts of a shard that the round began with. They are gone
 * even if no part comes of it, so that no two writers ever use the same.
 *
 * @returns the shard as it was where too few are left.
 */
export function reserveParts(shard: ShardRecord, needed: ShardRecord['reserved']): ShardRecord {
  const numbers = shard.reserved.numbers + needed.numbers;
  const sendings = shard.reserved.sendings + needed.sendings;
  if (numbers > numbersPerShard || sendings > maxSendings - 1) return shard;
  return { ...shard, reserved: { numbers, sendings } };
}

/**
 * @param roundShards with which the round began.
 * @param origin one of these.
 * @param place of the number among those that are kept for it.
 */
export function numberOfPart(roundShards: number, origin: number, place: number): number {
  return roundShards + origin * numbersPerShard + place;
}

/** A shard of which its provider took nothing. */
export type RefusedShard = ShardRecord & { refusal: Refusal };

export function isToBeSplit(shard: ShardRecord): shard is RefusedShard {
  return shard.status === 'pending' && shard.refusal !== null;
}

/** Its parts exist from this write on. What was refused was no sending. */
export function splitShard(shard: ShardRecord, parts: number[]): ShardRecord {
  const providerBatchId = shard.refusal?.providerBatchId ?? null;
  return { ...shard, failures: null, status: 'split', attempts: shard.attempts - 1, providerBatchId, parts };
}

/** Whether the shard has lines of its own, which have one result each in the end. */
export function holdsLines(shard: Pick<ShardRecord, 'status'>): boolean {
  return shard.status !== 'split';
}

/** Leaves out parts that no shard names. */
export function existingShards(shards: readonly ShardRecord[]): ShardRecord[] {
  const named = new Set(shards.flatMap(({ parts }) => parts ?? []));
  return shards.filter(({ partOf, shard }) => partOf === null || named.has(shard));
}

export function endShard(shard: ShardRecord, end: ShardEnd, nowMs: number): ShardRecord {
  return { ...shard, failures: null, status: 'ended', end, endedAtMs: nowMs, notBeforeMs: 0, deferrals: 0 };
}

/** @param nowMs null for lines that were refused before anything was sent. */
export function markCollected(shard: ShardRecord, result: ShardResult, nowMs: number | null): ShardRecord {
  return { ...shard, failures: null, status: 'collected', collectedAtMs: nowMs, result };
}

/**
 * The results could not be read for now: they are asked for again.
 *
 * @param failures as above.
 */
export function deferCollection(
  shard: ShardRecord,
  { shortDownload, ...deferral }: Deferral & { shortDownload: ShortDownload | null },
  failures: ShardRecord['failures'] = null,
): ShardRecord {
  if (shard.status !== 'ended') return shard;
  const short = shortDownload && { shortDownloads: shortDownload.count, firstShortAtMs: shortDownload.firstAtMs };
  return { ...shard, ...short, ...putOff(shard, deferral), failures };
}

export interface ShortDownload {
  /** This one included. */
  count: number;
  firstAtMs: number;
}

/** Whether somebody may be sending. */
export function hasLease(live: LiveWork, nowMs: number): boolean {
  return live.lease !== null && nowMs < live.lease.untilMs;
}

/** Whether every line of a live shard has its answer. */
export function isAllAnswered(shard: ShardRecord, live: LiveWork): boolean {
  return live.answered === shard.lineCount;
}

/** Claims a live shard for one slice; unchanged where there is nothing to claim. */
export function beginSlice(shard: ShardRecord, lease: { token: string; untilMs: number }, nowMs: number): ShardRecord {
  const { live } = shard;
  if (shard.status !== 'submitted' || !live || hasLease(live, nowMs) || live.answered === shard.lineCount) return shard;
  return { ...shard, live: { ...live, lease } };
}

export function ownsSlice(shard: ShardRecord, token: string): boolean {
  return shard.status === 'submitted' && shard.live?.lease?.token === token;
}

/** Commits the answers that an object names; unchanged for a slice that lost its lease. */
export function recordAnswers(shard: ShardRecord, token: string, work: Omit<LiveWork, 'lease'>): ShardRecord {
  if (!shard.live || !ownsSlice(shard, token)) return shard;
  const counts = { total: shard.lineCount, completed: work.answered - work.failed, failed: work.failed };
  return { ...shard, counts, live: { ...work, lease: shard.live.lease } };
}

/** @param obstacle why it did not get on, and when to try again, after how many times before in a row; null where it did. */
export function endSlice(
  shard: ShardRecord,
  token: string,
  obstacle: (Deferral & { deferrals: number }) | null,
): ShardRecord {
  if (!shard.live || !ownsSlice(shard, token)) return shard;
  const live = { ...shard.live, lease: null };
  if (!obstacle) return { ...shard, live, deferrals: 0, lastError: null };
  return { ...shard, ...putOff({ ...shard, deferrals: obstacle.deferrals }, obstacle), live };
}

/** How many requests may have been paid for and have no result; of a shard that was read again, what the last reading lost counts. */
export function lostRequests(shards: readonly ShardRecord[]): number {
  const lost = new Map<string, number>();
  for (const shard of shards) {
    const { set, shard: number } = shard.rereads ?? shard;
    lost.set(`${set}/${number}`, shard.result?.lost ?? 0);
  }
  return lost.values().reduce((sum, count) => sum + count, 0);
}
