import {
  assertSameParameters,
  type BatchDraft,
  type BatchSource,
  batchIdOf,
  letWait,
  resumeBatch,
  startBatch,
} from '../pipeline/intake/new-batch.ts';
import { readPartsFrom, resolveParts } from '../pipeline/joined-objects.ts';
import { assertAnswerable } from '../pipeline/maxima.ts';
import { type Services, unixSeconds } from '../pipeline/services.ts';
import { kindOfInput, type TableDraft, templateMissing } from '../pipeline/table-input.ts';
import { unknownProvider } from '../providers/config.ts';
import type { BatchRecord } from '../records/batch.ts';
import { creationClaimSeconds } from '../records/creation-claim.ts';
import { digest } from '../records/digest.ts';
import { InvalidInputError, messageOf, NotFoundError, safeText } from '../records/errors.ts';
import { batchIdPattern, fileIdFrom, fileIdPattern } from '../records/ids.ts';
import type { JsonObject } from '../records/json.ts';
import type { BatchOptions } from '../records/options.ts';
import { isTableName } from '../records/table-kind.ts';
import { isAccessDenied, type ObjectHead } from '../store/objects.ts';
import { getFile, mayBeInput } from './files.ts';

/** A batch as a client asks for it. */
export interface BatchCreation {
  tenant: string;
  /** A file's id, or an `s3://` URI under a configured prefix. */
  inputFile: string;
  options: BatchOptions;
  /** Of a task that waits for the batch's end. */
  taskToken: string | null;
  /** Makes requests of a table's rows; null for an input of requests. */
  template: JsonObject | null;
  /**
   * Digest of what the client asked for, without the idempotency key and the task's token.
   *
   * @param input stands for the input: its digest, or its name.
   */
  hashWith: (input: string) => string;
  /** Where the requests came with the creation: how many there are, and the MD5 of their file, which is new at each call. */
  ownRequests?: { count: number; md5: string };
  /** Of the API key that asks. */
  apiKeyId: string;
  /** How often the client repeated the call by itself, where it says so. */
  retryCount: number | null;
}

export interface CreatedBatch {
  batch: BatchRecord;
  /** Whether the call was taken for a repetition of one whose answer got lost. */
  isRepeated: boolean;
}

/**
 * Creates a batch of a file. With an idempotency key, the same request gives the same batch. Without one, a call that its
 * client repeated because no answer came gives the batch of the first call, as far as that can be known.
 *
 * @throws InvalidInputError `idempotency_conflict`, or for an unknown provider or an input that is not open to the
 *   tenant. A file that does not exist is no error here: the batch fails at validation, as at OpenAI.
 */
export async function createBatch(services: Services, request: BatchCreation): Promise<CreatedBatch> {
  const { tenant, options, taskToken, apiKeyId } = request;
  assertAnswerable(services.config, taskToken);
  const { identity, creation, isRepeated } = await claimedIdentity(services, request);
  const draft = { tenant, options, identity };
  const standing = options.idempotency_key ? await services.records.findBatch(batchIdOf(draft)) : null;
  if (standing) {
    assertSameParameters(standing, sameAs(request, await findMd5(services, request)));
    const batch = await letWait(services, standing, taskToken);
    await resumeUnlessSwept(services, batch);
    return { batch, isRepeated };
  }
  assertKnownProvider(services, options.provider);
  const input = await resolveInput(services, request);
  const origin = { apiKeyId, ...(creation && { creation }), inboxKey: null, retryOf: null, taskToken };
  const own = request.ownRequests && { ownRequests: request.ownRequests.count };
  const md5 = 'missing' in input ? undefined : input.md5;
  const parametersHash = request.hashWith(md5 ?? request.inputFile);
  const isSame = sameAs(request, md5);
  const table = 'missing' in input ? null : await tableOf(services, request, input);
  const batch = await startOrLeaveToSweep(services, {
    ...{ ...draft, ...origin, ...own },
    ...{ parametersHash, isSame, input, table },
  });
  return { batch, isRepeated };
}

/**
 * Knows a batch that was created from the same: the same file, or another file of the same bytes. Batches of earlier releases
 * have the file's id in their digest.
 */
function sameAs({ inputFile, hashWith }: BatchCreation, md5: string | undefined) {
  return (standing: BatchRecord): boolean => {
    const known = inputFile === standing.inputFileId ? standing.inputMd5 : undefined;
    return [inputFile, md5, known].some((input) => input !== undefined && hashWith(input) === standing.parametersHash);
  };
}

async function findMd5(services: Services, { tenant, inputFile }: BatchCreation): Promise<string | undefined> {
  if (!fileIdPattern.test(inputFile)) return undefined;
  const file = await services.records.findFile(inputFile);
  return file?.tenant === tenant ? file.md5 : undefined;
}

interface ClaimedIdentity {
  identity: string;
  creation: BatchRecord['creation'];
  isRepeated: boolean;
}

/** The identity of a new batch, or of the one that an earlier try of the same call asked for. */
async function claimedIdentity(services: Services, request: BatchCreation): Promise<ClaimedIdentity> {
  const identity = services.token() + services.token();
  const { tenant, apiKeyId, retryCount, options } = request;
  if (retryCount === null || options.idempotency_key !== undefined)
    return { identity, creation: undefined, isRepeated: false };
  const input = request.ownRequests?.md5 ?? request.inputFile;
  const claim = digest('creation', tenant, apiKeyId, request.hashWith(input));
  const nowSeconds = unixSeconds(services);
  const asked = { version: 0, identity, retryCount, isKnown: false, expiresAt: nowSeconds + creationClaimSeconds };
  const { identity: claimed } = await services.creationClaims.take(claim, asked, nowSeconds);
  return { identity: claimed, creation: { claim, identity: claimed }, isRepeated: claimed !== identity };
}

/** Whoever asks for a batch knows its id, so the answer to its creation arrived: a later call is no repetition of it. */
export async function noteThatKnown(services: Services, { creation, createdAt }: BatchRecord): Promise<void> {
  if (!creation || unixSeconds(services) > createdAt + creationClaimSeconds) return;
  await services.creationClaims.markKnown(creation.claim, creation.identity);
}

/**
 * Once the record stands, the batch exists and will run: an error now would only make the client create another. What
 * could not be started, the sweep starts.
 */
export async function startOrLeaveToSweep(services: Services, draft: BatchDraft): Promise<BatchRecord> {
  try {
    return await startBatch(services, draft);
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    const standing = await services.records.findBatch(batchIdOf(draft));
    if (!standing) throw error;
    warnOfNoStart(services, standing, error);
    return standing;
  }
}

async function resumeUnlessSwept(services: Services, batch: BatchRecord): Promise<void> {
  await resumeBatch(services, batch).catch((error: unknown) => warnOfNoStart(services, batch, error));
}

function warnOfNoStart(services: Services, batch: BatchRecord, error: unknown): void {
  services.log.warn('A batch was not started; the sweep will.', {
    batchId: batch.id,
    error: safeText(messageOf(error)),
  });
}

function assertKnownProvider(services: Services, provider: string | undefined): void {
  if (provider === undefined || Object.hasOwn(services.config.providers, provider)) return;
  throw new InvalidInputError('invalid_value', unknownProvider(provider, services.config), { param: 'provider' });
}

async function resolveInput(services: Services, request: BatchCreation): Promise<BatchDraft['input']> {
  const { inputFile, tenant } = request;
  if (inputFile.startsWith('s3://')) return objectInput(services, inputFile, tenant);
  try {
    const file = await getFile(services, tenant, inputFile);
    return { fileId: file.id, name: file.filename, objects: file.objects, md5: file.md5 };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return missingInput(inputFile);
  }
}

/** @throws InvalidInputError for a table without a template, and for what no input can be. */
async function tableOf(
  services: Services,
  { template }: BatchCreation,
  { name, filename, objects }: BatchSource,
): Promise<TableDraft | null> {
  const called = name ?? filename ?? '';
  // Of what cannot be anything else nothing is read.
  if (template === null && !isTableName(called)) return null;
  const parts = await resolveParts(services.objects, objects);
  const kind = await kindOfInput(called, template !== null, () => readPartsFrom(services.objects, parts.parts, 0));
  if (kind === 'requests') return null;
  if (template === null) throw templateMissing(called);
  return { kind, template };
}

/** An object of the customer's own becomes a file of the version that it has now. */
async function objectInput(services: Services, uri: string, tenant: string): Promise<BatchDraft['input']> {
  assertOpenTo(services, uri, tenant);
  const { bucket, key } = addressOf(uri);
  const head = await headUnlessDenied(services, bucket, key);
  if (!head) return missingInput(uri);
  const { etag, bytes } = head;
  const input: BatchSource = {
    fileId: fileIdFrom(digest('object', tenant, bucket, key, etag)),
    filename: nameIn(key),
    objects: [{ bucket, key, etag, bytes }],
  };
  return input;
}

async function headUnlessDenied(services: Services, bucket: string, key: string): Promise<ObjectHead | null> {
  try {
    return await services.objects.head(key, bucket);
  } catch (error) {
    if (isAccessDenied(error)) return null;
    throw error;
  }
}

function assertOpenTo(services: Services, uri: string, tenant: string): void {
  const prefixes = services.config.inputPrefixes.map((prefix) => prefix.replaceAll('{tenant}', tenant));
  if (prefixes.some((prefix) => uri.startsWith(prefix)) && mayBeInput(nameIn(uri))) return;
  const message =
    'The input_file_id is an s3:// URI, but no configured input prefix covers it, or it has an extension that no input has.';
  throw new InvalidInputError('invalid_value', message, { param: 'input_file_id' });
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function addressOf(uri: string): { bucket: string; key: string } {
  const path = uri.slice('s3://'.length);
  const slash = path.indexOf('/');
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}

function missingInput(inputFile: string): BatchDraft['input'] {
  const message = `Cannot find file ${inputFile}, or the organization does not have access to it.`;
  return { fileId: inputFile, missing: { code: 'invalid_request', message, param: 'file_id', line: null } };
}

/** @throws NotFoundError, also for somebody else's. */
export async function getBatch(services: Services, tenant: string, batchId: string): Promise<BatchRecord> {
  if (batchIdPattern.test(batchId)) {
    const batch = await services.records.findBatch(batchId);
    if (batch?.tenant === tenant) return batch;
  }
  throw new NotFoundError(`No batch found with id '${batchId.slice(0, 100)}'.`);
}
