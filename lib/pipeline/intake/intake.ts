import { unknownProvider } from '../../providers/config.ts';
import { digest } from '../../records/digest.ts';
import { InvalidInputError, messageOf } from '../../records/errors.ts';
import { fileIdFrom } from '../../records/ids.ts';
import { isObject } from '../../records/json.ts';
import { type DropLocation, locateDrop, sidecarKey, sidecarSuffix } from '../../records/object-keys.ts';
import { type BatchOptions, optionsFromObjectMetadata, parseOptions } from '../../records/options.ts';
import type { ObjectHead } from '../../store/objects.ts';
import type { Services } from '../services.ts';
import { writeRefusal, writeStatus } from '../status-file.ts';
import { type BatchDraft, startBatch } from './new-batch.ts';

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
  const location = locateDrop(drop.key, services.config.tenants);
  if (!location || isNoInput(drop.key)) return null;
  try {
    return await accept(services, drop, location);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const refusal = { code: error.code, message: error.message, param: error.param, line: null };
    await writeRefusal(services, { ...drop, tenant: location.tenant }, refusal);
    services.metrics.add('DropsRefused', 1);
    return null;
  }
}

/** Sidecars start nothing, and consoles make "folders" by objects whose key ends with a slash. */
function isNoInput(key: string): boolean {
  return key.endsWith(sidecarSuffix) || key.endsWith('/');
}

async function accept(services: Services, drop: Drop, location: DropLocation): Promise<string | null> {
  if (!/\.jsonl$/i.test(drop.key))
    throw new InvalidInputError(
      'unsupported_file',
      'Invalid file format for Batch API. Must be .jsonl: one JSON request per line, the file named *.jsonl.',
    );
  const head = await services.objects.head(drop.key, drop.bucket);
  if (!head || withoutQuotes(head.etag) !== withoutQuotes(drop.etag))
    throw new InvalidInputError(
      'input_modified',
      'The object was overwritten or deleted before it was read. What replaced it is a drop of its own.',
    );
  const options = await readOptions(services, drop, head);
  const batch = await startBatch(services, draftOf(drop, location, head, options));
  await writeStatus(services, batch.id);
  return batch.id;
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

function draftOf(drop: Drop, location: DropLocation, head: ObjectHead, options: BatchOptions): BatchDraft {
  const { bucket, key, etag, bytes } = head;
  return {
    tenant: location.tenant,
    identity: digest('drop', bucket, key, drop.sequencer),
    parametersHash: digest(JSON.stringify(options), bucket, key, etag),
    options,
    input: {
      fileId: fileIdFrom(digest('input', bucket, key, drop.sequencer)),
      filename: key.slice(key.lastIndexOf('/') + 1),
      objects: [{ bucket, key, etag, bytes }],
    },
    inboxKey: key,
    sequencer: drop.sequencer,
    retryOf: null,
  };
}

/** Events give an ETag bare, S3's answers in quotes. */
function withoutQuotes(etag: string): string {
  return etag.replaceAll('"', '');
}
