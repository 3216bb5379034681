import { unknownProvider } from '../../providers/config.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { digest } from '../../records/digest.ts';
import { InvalidInputError, messageOf } from '../../records/errors.ts';
import { batchIdFrom, fileIdFrom } from '../../records/ids.ts';
import { isObject } from '../../records/json.ts';
import { type DropLocation, isNoInput, locateDrop, sidecarKeys } from '../../records/object-keys.ts';
import {
  assertLabels,
  optionsFromObjectMetadata,
  parseRequestedOptions,
  type RequestedOptions,
} from '../../records/options.ts';
import type { ObjectHead } from '../../store/objects.ts';
import type { Services } from '../services.ts';
import { writeRefusal, writeStatus } from '../status-file.ts';
import { failTask } from '../task-answer.ts';
import { type BatchDraft, startBatch, takeUpDrop } from './new-batch.ts';

/** An object in the inbox, as S3's event says, or as the sweep found it. */
export interface Drop {
  bucket: string;
  key: string;
  /** Null for one that the sweep found: it is what stands there. */
  etag: string | null;
  /** Orders the events of one key; null where there was no event. */
  sequencer: string | null;
}

/**
 * Makes a batch of a dropped file: one record and one execution, however often the event arrives, and whether the sweep found
 * the file as well. What cannot become a batch gets a status file that says why.
 *
 * @returns the batch's id, or null where nothing was started.
 */
export async function intake(services: Services, drop: Drop): Promise<string | null> {
  const location = locateDrop(drop.key, services.config.tenants);
  if (!location || isNoInput(drop.key)) return null;
  const head = await services.objects.head(drop.key, drop.bucket);
  if (!head && drop.etag === null) return null;
  const isThere = head !== null && (drop.etag === null || withoutQuotes(head.etag) === withoutQuotes(drop.etag));
  try {
    if (!isThere) throw modifiedError();
    return await accept(services, drop, location, head);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const refusal = { code: error.code, message: error.message, param: error.param, line: null };
    const lastModified = isThere ? head.lastModified : null;
    await writeRefusal(services, { ...drop, lastModified, tenant: location.tenant }, refusal);
    services.metrics.add('DropsRefused', 1);
    // What replaced it has the sidecar now, and answers for it.
    const taskToken = head === null || isThere ? await findTaskToken(services, drop, head) : null;
    if (taskToken !== null)
      await failTask(services, taskToken, {
        code: error.code,
        message: error.message,
        batch_id: null,
        status: 'refused',
      });
    return null;
  }
}

function modifiedError(): InvalidInputError {
  return new InvalidInputError(
    'input_modified',
    'The object was overwritten or deleted before it was read. What replaced it is a drop of its own.',
  );
}

async function accept(services: Services, drop: Drop, location: DropLocation, head: ObjectHead): Promise<string> {
  if (!/\.jsonl$/i.test(drop.key))
    throw new InvalidInputError(
      'unsupported_file',
      'Invalid file format for Batch API. Must be .jsonl: one JSON request per line, the file named *.jsonl.',
    );
  const standing = await findTaken(services, drop, head);
  if (standing) await takeUpDrop(services, standing, filenameOf(drop.key));
  const batch = standing ?? (await startDrop(services, drop, location, head));
  await writeStatus(services, batch.id);
  return batch.id;
}

async function startDrop(
  services: Services,
  drop: Drop,
  location: DropLocation,
  head: ObjectHead,
): Promise<BatchRecord> {
  const { ignored, ...requested } = await readOptions(services, drop, head);
  return startBatch(services, { ...draftOf(drop, location, head, requested), ignoredMetadata: ignored });
}

/** A drop is these bytes, written at that time: event and list say the same of it. S3 tells times to the second. */
function identityOf({ bucket, key, etag, lastModified }: ObjectHead): string {
  return digest('drop', bucket, key, withoutQuotes(etag), String(lastModified));
}

/** The batch that was made of the drop before. Release 0.1 named drops by their events; those may still be delivered again. */
async function findTaken(services: Services, drop: Drop, head: ObjectHead): Promise<BatchRecord | null> {
  const { bucket, key, sequencer } = drop;
  const ofEvent =
    sequencer === null ? null : await services.records.findBatch(batchIdFrom(digest('drop', bucket, key, sequencer)));
  return ofEvent ?? (await services.records.findBatch(batchIdFrom(identityOf(head))));
}

interface DropOptions extends RequestedOptions {
  /** Names in the object's metadata that are no options. */
  ignored: string[];
}

async function readOptions(services: Services, drop: Drop, head: ObjectHead): Promise<DropOptions> {
  const sidecar = await readSidecar(services, drop);
  const metadata = optionsFromObjectMetadata(head.metadata);
  const requested = parseRequestedOptions({
    ...services.config.defaults,
    ...sidecar,
    ...metadata.options,
  });
  assertLabels(requested.options.metadata);
  const { provider } = requested.options;
  if (provider !== undefined && !Object.hasOwn(services.config.providers, provider))
    throw new InvalidInputError('invalid_option', unknownProvider(provider, services.config), { param: 'provider' });
  return { ...requested, ignored: metadata.ignored };
}

/** @returns the token that came with a refused drop, as far as it can be read. */
async function findTaskToken(services: Services, drop: Drop, head: ObjectHead | null): Promise<string | null> {
  if (services.config.taskMachines.length === 0) return null;
  const sidecar = await readSidecar(services, drop).catch((error: unknown): Record<string, unknown> => {
    if (error instanceof InvalidInputError) return {};
    throw error;
  });
  const token = head?.metadata['task-token'] ?? sidecar.task_token;
  return typeof token === 'string' && token !== '' ? token : null;
}

async function readSidecar(services: Services, drop: Drop): Promise<Record<string, unknown>> {
  const found: { key: string; text: string }[] = [];
  for (const key of sidecarKeys(drop.key)) {
    const sidecar = await services.objects.readText(key, drop.bucket);
    if (sidecar) found.push({ key, text: sidecar.text });
  }
  const [first, second] = found;
  if (!first) return {};
  if (second)
    throw new InvalidInputError(
      'invalid_option',
      `Both ${first.key} and ${second.key} hold options: keep one of them.`,
    );
  return parseSidecar(first.key, first.text);
}

function parseSidecar(key: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new InvalidInputError('invalid_option', `${key} is not valid JSON: ${messageOf(cause)}`, { cause });
  }
  throw new InvalidInputError('invalid_option', `${key} must hold a JSON object of options.`);
}

function draftOf(drop: Drop, location: DropLocation, head: ObjectHead, requested: RequestedOptions): BatchDraft {
  const { bucket, key, etag, bytes, lastModified } = head;
  const { options, taskToken } = requested;
  const identity = identityOf(head);
  return {
    tenant: location.tenant,
    identity,
    parametersHash: digest(JSON.stringify(options), bucket, key, etag),
    options,
    input: {
      fileId: fileIdFrom(digest('input', identity)),
      filename: filenameOf(key),
      objects: [{ bucket, key, etag, bytes }],
    },
    inboxKey: key,
    sequencer: drop.sequencer,
    lastModified,
    retryOf: null,
    taskToken,
  };
}

function filenameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Events give an ETag bare, S3's answers in quotes. */
function withoutQuotes(etag: string): string {
  return etag.replaceAll('"', '');
}
