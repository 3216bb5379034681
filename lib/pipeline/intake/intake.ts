import { z } from 'zod';
import type { BatchRecord } from '../../records/batch.ts';
import { digest } from '../../records/digest.ts';
import { InvalidInputError, safeText } from '../../records/errors.ts';
import { batchIdFrom, fileIdFrom } from '../../records/ids.ts';
import type { JsonObject } from '../../records/json.ts';
import {
  type DropLocation,
  folderOfTemplate,
  folderTemplateKey,
  inputKeyOf,
  isNoInput,
  locateDrop,
  statusKey,
} from '../../records/object-keys.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import { optionNamed, type RequestedOptions } from '../../records/options.ts';
import { inputNames, kindByName } from '../../records/table-kind.ts';
import type { ObjectHead } from '../../store/objects.ts';
import { findSidecar, isDropOf, optionsIn, optionsOfDrop, type Sidecar, withoutQuotes } from '../drop-options.ts';
import { type Services, unixSeconds } from '../services.ts';
import { parseJson, waitingStatus, writeRefusal, writeStatus, writeWaiting } from '../status-file.ts';
import { folderTemplate, kindOfInput, type TableDraft, templateMissing } from '../table-input.ts';
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
  const inputKey = inputKeyOf(drop.key);
  if (location && inputKey !== null && drop.etag !== null) return noteSidecar(services, drop, inputKey);
  if (location && folderOfTemplate(drop.key) !== null) await takeUpWaiting(services, drop);
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
    const { etag, lastModified } = isThere ? head : { etag: drop.etag, lastModified: null };
    if (error instanceof TemplateAwaitedError) {
      await writeWaiting(services, { ...drop, etag, lastModified, tenant: location.tenant }, error);
      return null;
    }
    await writeRefusal(services, { ...drop, etag, lastModified, tenant: location.tenant }, refusal);
    services.metrics.add('DropsRefused', 1);
    // What replaced it has the sidecar now, and answers for it.
    const taskToken = head === null || isThere ? await findTaskToken(services, drop, head) : null;
    if (taskToken !== null)
      await failTask(services, taskToken, {
        code: error.code,
        message: safeText(error.message),
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
  if (kindByName(drop.key) === null)
    throw new InvalidInputError(
      'unsupported_file',
      `Invalid file format for Batch API. The file must be named ${inputNames}, or have no extension.`,
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
  const sidecar = await findSidecar(services, head);
  const { ignored, ...requested } = optionsOfDrop(services, head, sidecar);
  const table = await tableOf(services, head, requested.template);
  return startBatch(services, {
    ...draftOf(drop, location, head, requested, sidecar),
    table,
    ignoredMetadata: ignored,
  });
}

/** How long a table waits for its template: tools upload a folder's files in any order. */
const templateWaitSeconds = 600;

/** A table is there, and its template may still come. */
class TemplateAwaitedError extends InvalidInputError {}

/**
 * @param asked the template among the drop's own options.
 * @returns null for an input of requests.
 * @throws TemplateAwaitedError for a table whose template may still come, and InvalidInputError `template_missing` after that.
 */
async function tableOf(services: Services, head: ObjectHead, asked: JsonObject | null): Promise<TableDraft | null> {
  const name = filenameOf(head.key);
  const kind = await kindOfInput(name, asked !== null, () => services.objects.stream(head));
  if (kind === 'requests') return null;
  const template = asked ?? (await folderTemplate(services.objects, head));
  if (template !== null) return { kind, template };
  const missing = templateMissing(name);
  if (unixSeconds(services) >= head.lastModified + templateWaitSeconds) throw missing;
  throw new TemplateAwaitedError(missing.code, `${missing.message} It waits ten minutes for one.`, {
    param: 'template',
  });
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

/** @returns the token that came with a refused drop, as far as it can be read. */
async function findTaskToken(services: Services, drop: Drop, head: ObjectHead | null): Promise<string | null> {
  if (services.config.taskMachines.length === 0) return null;
  // Not by the reader of options: what it refuses may be why the drop was refused.
  const named = Object.entries(head?.metadata ?? {}).find(([name]) => optionNamed(name) === 'task_token');
  const token = named?.[1] ?? (await tokenBeside(services, drop));
  return typeof token === 'string' && token !== '' ? token : null;
}

async function tokenBeside(services: Services, drop: Drop): Promise<unknown> {
  try {
    const sidecar = await findSidecar(services, drop);
    return sidecar && optionsIn(sidecar).task_token;
  } catch (error) {
    if (error instanceof InvalidInputError) return null;
    throw error;
  }
}

const statusSchema = z.object({
  batch_id: z.string().nullable(),
  status: z.string(),
  sequencer: z.string().nullish(),
});

/**
 * Takes up a table that waits for its template.
 *
 * @returns the batch's id; null where it does not wait, or waits still.
 */
export async function takeUpTable(services: Services, drop: Pick<Drop, 'bucket' | 'key'>): Promise<string | null> {
  const found = await services.objects.readText(statusKey(drop.key));
  const status = statusSchema.safeParse(found && parseJson(found.text)).data;
  if (status?.status !== waitingStatus) return null;
  return intake(services, { ...drop, etag: null, sequencer: status.sequencer ?? null });
}

/** Tables that an event of a template takes up; those beyond them the sweep does. */
const maxTakenUp = 100;

async function takeUpWaiting(services: Services, template: Drop): Promise<void> {
  const folder = folderOfTemplate(template.key);
  if (folder === null) return;
  const { objects } = await services.objects.listPage(folder, '');
  const tables = objects.filter(({ key }) => folderTemplateKey(key) === template.key && !isNoInput(key));
  for (const { key } of tables.slice(0, maxTakenUp)) await takeUpTable(services, { bucket: template.bucket, key });
}

/**
 * Notes a sidecar on the batch of its drop, if there is one that has not ended. Prepare takes it up as long as nothing is sent; from then
 * on the status file says that it came too late. Events come late, and more than once: what stands in the bucket decides.
 */
async function noteSidecar(services: Services, event: Drop, inputKey: string): Promise<string | null> {
  const taken = await takeUpTable(services, { bucket: services.objects.bucket, key: inputKey });
  if (taken !== null) return taken;
  const status = await services.objects.readText(statusKey(inputKey));
  const { batch_id: batchId = null } = statusSchema.safeParse(status && parseJson(status.text)).data ?? {};
  const batch = batchId === null ? null : await services.records.findBatch(batchId);
  if (!batch || hasEnded(batch.status)) return null;
  const sidecar = await services.objects.head(event.key, event.bucket);
  if (!sidecar || withoutQuotes(sidecar.etag) !== withoutQuotes(event.etag ?? '')) return null;
  const drop = await services.objects.head(inputKey, event.bucket);
  if (drop && !isDropOf(batch, drop)) return null;
  await services.records.updateBatch(batch.id, (current) =>
    hasEnded(current.status) ? current : { ...current, latestSidecarEtag: withoutQuotes(sidecar.etag) },
  );
  await writeStatus(services, batch.id);
  return null;
}

function draftOf(
  drop: Drop,
  location: DropLocation,
  head: ObjectHead,
  requested: RequestedOptions,
  sidecar: Sidecar | null,
): BatchDraft {
  const { bucket, key, etag, bytes, lastModified } = head;
  const { options, taskToken, template } = requested;
  const identity = identityOf(head);
  return {
    tenant: location.tenant,
    identity,
    parametersHash: digest(JSON.stringify(options), bucket, key, etag, ...(template ? [JSON.stringify(template)] : [])),
    options,
    input: {
      fileId: fileIdFrom(digest('input', identity)),
      filename: filenameOf(key),
      objects: [{ bucket, key, etag, bytes }],
    },
    inboxKey: key,
    sidecarEtag: sidecar && withoutQuotes(sidecar.etag),
    sequencer: drop.sequencer,
    lastModified,
    retryOf: null,
    taskToken,
  };
}

function filenameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
