import {
  type BatchRecord,
  isSettled,
  maxIgnoredNames,
  type S3Object,
  withErrors,
  withTask,
} from '../../records/batch.ts';
import { digest } from '../../records/digest.ts';
import { InvalidInputError } from '../../records/errors.ts';
import { totalBytes } from '../../records/file.ts';
import { batchIdFrom } from '../../records/ids.ts';
import type { LineError } from '../../records/openai-batch.ts';
import { type BatchOptions, deadlineHours } from '../../records/options.ts';
import { assertAnswerable, assertWithinMaxima } from '../maxima.ts';
import { creationTimes, type Services } from '../services.ts';
import { assertTableOptions, frozenTable, type TableDraft } from '../table-input.ts';

/** Where a batch's requests are. */
export interface BatchSource {
  fileId: string;
  /** Of all its bytes, in hex; where it is known. */
  md5?: string | undefined;
  /** What the file is called. */
  name?: string;
  /** For an object that is no File yet: it becomes one, of this name. */
  filename?: string;
  objects: S3Object[];
}

/** What a batch is made of, whatever door it came through. */
export interface BatchDraft {
  tenant: string;
  /** A digest of what makes this batch itself; an idempotency key takes its place. */
  identity: string;
  /** Digest of what it was created from, to tell a repetition from a conflict. */
  parametersHash: string;
  /** Whether a batch that stands was created from the same; by default where the digests are equal. */
  isSame?: (standing: BatchRecord) => boolean;
  options: BatchOptions;
  /** Or why there is none: the batch then fails as one whose validation failed. */
  input: BatchSource | { fileId: string; missing: LineError };
  /** Set where the input is a table. */
  table?: TableDraft | null;
  /** For a drop: its key, and its place among the drops of that key. */
  inboxKey: string | null;
  /** Of what stood beside the drop. */
  sidecarEtag?: string | null;
  sequencer?: string | null;
  lastModified?: number;
  /** Names in a dropped object's metadata that are no options. */
  ignoredMetadata?: readonly string[];
  /** Where the requests came with the creation: how many there are. */
  ownRequests?: number;
  /** Of the API key that asks for it. */
  apiKeyId?: string;
  creation?: NonNullable<BatchRecord['creation']>;
  retryOf: string | null;
  /** Of a task that waits for the batch's end. */
  taskToken: string | null;
}

/** As long as S3's keys may be. */
const maxNameLength = 1_024;

/** The id under which a draft's batch stands, or will. */
export function batchIdOf({ tenant, identity, options }: Pick<BatchDraft, 'tenant' | 'identity' | 'options'>): string {
  const key = options.idempotency_key;
  return batchIdFrom(key === undefined ? identity : digest('key', tenant, key));
}

/**
 * Makes a batch: one record by one conditional write, one execution. Called again, it repeats what may have been left
 * undone: the first call may have died in between.
 *
 * @throws InvalidInputError `idempotency_conflict` where the key stands for a batch with other parameters.
 */
export async function startBatch(services: Services, draft: BatchDraft): Promise<BatchRecord> {
  assertWithinMaxima(services.config, draft.options, bytesOf(draft.input));
  assertAnswerable(services.config, draft.taskToken);
  if (!('missing' in draft.input)) assertTableOptions(services, draft.options, draft.table?.kind ?? null);
  const table = draft.table ? await frozenTable(services.objects, batchIdOf(draft), draft.table, draft.options) : null;
  const { batch: standing, created } = await services.records.createBatch(newBatch(services, draft, table));
  if (created) services.metrics.add('BatchesAccepted', 1);
  if (!created)
    assertSameParameters(standing, draft.isSame ?? ((batch) => batch.parametersHash === draft.parametersHash));
  const batch = await letWait(services, standing, draft.taskToken);
  if (!('missing' in draft.input) && draft.input.filename !== undefined)
    await mintFile(services, batch, draft.input.filename);
  await resumeBatch(services, batch);
  return batch;
}

/** Does for a dropped batch that exists what the call that made it may have left undone. */
export async function takeUpDrop(services: Services, batch: BatchRecord, filename: string): Promise<void> {
  // Later the file may have been deleted.
  if (batch.status === 'validating') await mintFile(services, batch, filename);
  await resumeBatch(services, batch);
}

/** @throws InvalidInputError `idempotency_conflict` */
export function assertSameParameters(batch: BatchRecord, isSame: (standing: BatchRecord) => boolean): void {
  if (isSame(batch)) return;
  throw new InvalidInputError(
    'idempotency_conflict',
    `Conflict: the idempotency key was used for ${batch.id} with another file or other options; use a new key.`,
    { param: 'idempotency_key' },
  );
}

/** Notes the task that waits for a batch; a machine that tries again comes with another token, and only the last one waits. */
export async function letWait(services: Services, batch: BatchRecord, taskToken: string | null): Promise<BatchRecord> {
  if (taskToken === null) return batch;
  return services.records.updateBatch(batch.id, (current) => withTask(current, taskToken));
}

/** Starts the batch's execution, unless it has ended and that was told. Starting one that runs changes nothing. */
export async function resumeBatch(services: Services, batch: BatchRecord): Promise<void> {
  if (isSettled(batch)) return;
  await services.executions.start(batch.id, batch.epoch, services.config.polling.minSeconds);
}

async function mintFile(services: Services, batch: BatchRecord, filename: string): Promise<void> {
  await services.records.createFile({
    id: batch.inputFileId,
    tenant: batch.tenant,
    version: 0,
    filename,
    purpose: 'batch',
    bytes: totalBytes(batch.input),
    createdAt: batch.createdAt,
    createdAtMs: batch.createdAtMs,
    expiresAt: null,
    objects: batch.input,
  });
}

function bytesOf(input: BatchDraft['input']): number {
  return 'missing' in input ? 0 : totalBytes(input.objects);
}

function inputNameOf({ input, inboxKey }: BatchDraft): Pick<BatchRecord, 'inputName'> {
  if ('missing' in input || inboxKey !== null) return {};
  const name = input.name ?? input.filename;
  return name === undefined ? {} : { inputName: name.slice(0, maxNameLength) };
}

function newBatch(services: Services, draft: BatchDraft, table: BatchRecord['table']): BatchRecord {
  const { tenant, options, input, parametersHash, inboxKey, retryOf, taskToken } = draft;
  const times = creationTimes(services);
  const batch: BatchRecord = {
    id: batchIdOf(draft),
    tenant,
    version: 0,
    status: 'validating',
    epoch: 0,
    endpoint: options.endpoint ?? null,
    model: null,
    options,
    parametersHash,
    creation: draft.creation,
    apiKeyId: draft.apiKeyId,
    ignoredMetadata: draft.ignoredMetadata?.slice(0, maxIgnoredNames).map((name) => name.slice(0, 64)),
    inputFileId: input.fileId,
    ...(draft.ownRequests !== undefined && { ownsInput: true }),
    ...('md5' in input && input.md5 !== undefined && { inputMd5: input.md5 }),
    input: 'missing' in input ? [] : input.objects,
    ...inputNameOf(draft),
    table,
    retryOf,
    inboxKey,
    sidecarEtag: draft.sidecarEtag ?? null,
    latestSidecarEtag: null,
    sequencer: draft.sequencer ?? null,
    lastModified: draft.lastModified ?? null,
    ...times,
    deadlineAt: times.createdAt + Math.ceil(deadlineHours(options) * 3_600),
    inProgressAt: null,
    finalizingAt: null,
    completedAt: null,
    failedAt: null,
    expiredAt: null,
    cancellingAt: null,
    cancelledAt: null,
    verdict: null,
    errors: [],
    errorCount: 0,
    warningCount: 0,
    rounds: [],
    counts: { total: draft.ownRequests ?? 0, completed: 0, failed: 0 },
    usage: null,
    cost: null,
    report: null,
    checkpoint: null,
    waiting: null,
    failures: null,
    looks: null,
    mergeCheckpoint: null,
    retryFile: null,
    recollection: null,
    tableTries: 0,
    tableFailure: null,
    resultTable: null,
    outputFileId: null,
    errorFileId: null,
    firstFailure: null,
    eventSentAtMs: null,
    task: taskToken === null ? null : { token: taskToken, answeredAtMs: null },
  };
  return 'missing' in input ? { ...batch, verdict: 'failed', ...withErrors(batch, [input.missing]) } : batch;
}
