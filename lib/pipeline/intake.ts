import { createHash } from 'node:crypto';
import type { BatchRecord, S3Object } from '../core/batch.ts';
import { InvalidInputError, messageOf } from '../core/errors.ts';
import { batchIdFrom, fileIdFrom } from '../core/ids.ts';
import { type DropPlace, dropPlace, sidecarKey, sidecarSuffix } from '../core/keys.ts';
import { type BatchOptions, deadlineHours, optionsFromObjectMetadata, parseOptions } from '../core/options.ts';
import { isObject } from '../core/request-line.ts';
import type { ObjectHead } from '../store/objects.ts';
import { type Services, unknownProvider } from './services.ts';
import { writeRefusal, writeStatus } from './status-file.ts';

/** An object that was created in the bucket, as S3's event says. */
export interface Drop {
  bucket: string;
  key: string;
  etag: string;
  /** Orders the events of one key; makes each drop of it a batch of its own. */
  sequencer: string;
}

/**
 * Makes a batch of a dropped file: one record and one execution, however often the event arrives. What cannot become a
 * batch gets a status file that says why.
 *
 * @returns the batch's id, or null where nothing was started.
 */
export async function intake(services: Services, drop: Drop): Promise<string | null> {
  const place = dropPlace(drop.key, services.config.tenants);
  if (!place || isNoInput(drop.key)) return null;
  try {
    return await accept(services, drop, place);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const refusal = { code: error.code, message: error.message, param: error.param, line: null };
    await writeRefusal(services, { ...drop, tenant: place.tenant }, refusal);
    services.metrics.add('DropsRefused', 1);
    return null;
  }
}

/** Sidecars start nothing, and consoles make "folders" by objects whose key ends with a slash. */
function isNoInput(key: string): boolean {
  return key.endsWith(sidecarSuffix) || key.endsWith('/');
}

async function accept(services: Services, drop: Drop, place: DropPlace): Promise<string | null> {
  if (!/\.jsonl$/i.test(drop.key))
    throw new InvalidInputError(
      'unsupported_file',
      'Invalid file format for Batch API. Must be .jsonl: one JSON request per line, the file named *.jsonl.',
    );
  const head = await services.objects.head(drop.key, drop.bucket);
  if (!head || unquoted(head.etag) !== unquoted(drop.etag))
    throw new InvalidInputError(
      'input_modified',
      'The object was overwritten or deleted before it was read. Drop it again, under a name of its own.',
    );
  const options = await readOptions(services, drop, head);
  const batch = newBatch(services, drop, place, head, options);
  return start(services, batch, drop);
}

async function readOptions(services: Services, drop: Drop, head: ObjectHead): Promise<BatchOptions> {
  const sidecar = await readSidecar(services, drop);
  const options = parseOptions({
    ...services.config.defaults,
    ...sidecar,
    ...optionsFromObjectMetadata(head.metadata),
  });
  const { provider } = options;
  if (provider !== undefined && !Object.hasOwn(services.config.providers, provider))
    throw new InvalidInputError('invalid_option', unknownProvider(provider, services.config), { param: 'provider' });
  return options;
}

async function readSidecar(services: Services, drop: Drop): Promise<Record<string, unknown>> {
  const key = sidecarKey(drop.key);
  const found = await services.objects.readText(key, drop.bucket);
  if (!found) return {};
  try {
    const value: unknown = JSON.parse(found.text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new InvalidInputError('invalid_option', `${key} is not valid JSON: ${messageOf(cause)}`, { cause });
  }
  throw new InvalidInputError('invalid_option', `${key} must hold a JSON object of options.`);
}

function newBatch(
  services: Services,
  drop: Drop,
  place: DropPlace,
  head: ObjectHead,
  options: BatchOptions,
): BatchRecord {
  const identity = options.idempotency_key
    ? digest('key', place.tenant, options.idempotency_key)
    : digest('drop', drop.bucket, drop.key, drop.sequencer);
  const createdAt = Math.floor(services.now() / 1_000);
  const { bucket, key, etag, bytes } = head;
  const input: S3Object = { bucket, key, etag, bytes };
  return {
    id: batchIdFrom(identity),
    tenant: place.tenant,
    version: 0,
    status: 'validating',
    epoch: 0,
    endpoint: options.endpoint ?? null,
    model: null,
    options,
    parametersHash: digest(JSON.stringify(options), bucket, key, etag),
    inputFileId: fileIdFrom(digest('input', bucket, key, drop.sequencer)),
    input: [input],
    retryOf: null,
    inboxKey: key,
    createdAt,
    deadlineAt: createdAt + Math.ceil(deadlineHours(options) * 3_600),
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
    firstFailure: null,
    warningCount: 0,
    rounds: [],
    counts: { total: 0, completed: 0, failed: 0 },
    usage: null,
    cost: null,
    report: null,
    outputFileId: null,
    errorFileId: null,
    eventSentAtMs: null,
  };
}

/** Starts the execution for a repeated event too: the first one may have died in between. */
async function start(services: Services, batch: BatchRecord, drop: Drop): Promise<string> {
  const { batch: standing, created } = await services.records.createBatch(batch);
  if (created) services.metrics.add('BatchesAccepted', 1);
  if (standing.parametersHash !== batch.parametersHash)
    throw new InvalidInputError(
      'idempotency_conflict',
      `The idempotency key was used for ${standing.id} with another file or other options; use a new key.`,
      { param: 'idempotency_key' },
    );
  await services.records.createFile({
    id: standing.inputFileId,
    tenant: standing.tenant,
    version: 0,
    filename: drop.key.slice(drop.key.lastIndexOf('/') + 1),
    purpose: 'batch',
    bytes: standing.input.reduce((sum, object) => sum + object.bytes, 0),
    createdAt: standing.createdAt,
    expiresAt: null,
    objects: standing.input,
  });
  await services.executions.start(standing.id, standing.epoch, services.config.polling.minSeconds);
  await writeStatus(services, standing.id);
  return standing.id;
}

function digest(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Events give an ETag bare, S3's answers in quotes. */
function unquoted(etag: string): string {
  return etag.replaceAll('"', '');
}
