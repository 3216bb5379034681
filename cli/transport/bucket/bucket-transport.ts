import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type _Object, CopyObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { InvalidInputError, NotFoundError } from '../../../lib/records/errors.ts';
import { batchIdPattern, tenantPattern } from '../../../lib/records/ids.ts';
import { isNamedLike } from '../../../lib/records/name-pattern.ts';
import {
  inboxPrefix,
  resultKey,
  shardOfOutputKey,
  sidecarKey,
  sidecarKeys,
  statusKey,
  workPrefix,
} from '../../../lib/records/object-keys.ts';
import { type BatchOptionsInput, optionNamed, tableOptionNames } from '../../../lib/records/options.ts';
import { isTableName } from '../../../lib/records/table-kind.ts';
import { Objects } from '../../../lib/store/objects.ts';
import { CommandError, exitStatus } from '../../exit-status.ts';
import { findMeant, findRetry, isListed, plainName } from '../batch-filter.ts';
import { type BatchState, hasBatchEnded } from '../batch-state.ts';
import { type InputFile, nameWith, readInput } from '../input-file.ts';
import type { InputSubmission, ListRequest, ResultStream, StoredFile, Transport, UsageSums } from '../transport.ts';
import { inBucket } from './bucket-failure.ts';
import { dropOptions } from './drop-options.ts';
import { inputKeyOf, stateOfStatus, stateOfSummary, statusDocumentSchema } from './status-document.ts';

const statusPrefix = 'status/';

/** How long the status of an earlier drop of the same name may stand before it counts as ours: it is, where nothing was to change. */
const staleStatusMilliseconds = 10_000;

/** Status files read to find a batch by its id while it runs. */
const maxSearched = 200;

/** Status files that are read side by side. */
const readsAtATime = 20;

/** How long and how often a retry file is looked for that is not there yet. */
const retryFilePauseMs = 250;
const retryFileLooks = 40;

/** S3's, of a list. */
const maxPageObjects = 1_000;

/** The answers of one shard. */
interface ShardOutput {
  round: number;
  shard: number;
  key: string;
  bytes: number;
}

/** A deployment through its bucket alone: files go into `inbox/`, the rest is read from `status/` and `results/`. */
export class BucketTransport implements Transport {
  readonly #bucket: string;
  readonly #tenant: string | undefined;
  readonly #client: S3Client;
  readonly #objects: Objects;

  /** @param tenant whose inbox; the default tenant's without. */
  constructor(bucket: string, tenant: string | undefined) {
    if (tenant !== undefined && !tenantPattern.test(tenant))
      throw new InvalidInputError('invalid_tenant', `'${tenant}' is no tenant's name: use a-z, 0-9, _ and -.`);
    this.#bucket = bucket;
    this.#tenant = tenant;
    this.#client = connect();
    this.#objects = new Objects(this.#client, bucket);
  }

  async submit(
    file: InputFile,
    options: BatchOptionsInput,
    onProgress: (sentBytes: number) => void,
  ): Promise<InputSubmission> {
    const key = this.#keyFor(file, options);
    return inBucket(this.#bucket, async () => {
      const standing = await this.#objects.head(statusKey(key));
      const { metadata, sidecar } = dropOptions(options);
      if (sidecar !== null) await this.#putSidecar(key, sidecar);
      await this.#put(file, key, metadata, onProgress);
      return this.#submission(key, standing?.etag ?? null);
    });
  }

  async #putSidecar(key: string, options: string): Promise<void> {
    const beside = sidecarKey(key);
    if (beside === null)
      throw new InvalidInputError('invalid_filename', `The name ${key} is too long for options beside it. Shorten it.`);
    await this.#objects.putText(beside, options);
  }

  async #put(
    file: InputFile,
    key: string,
    metadata: Record<string, string>,
    onProgress: (sentBytes: number) => void,
  ): Promise<void> {
    const writer = this.#objects.writer(key, { metadata });
    try {
      for await (const chunk of readInput(file)) {
        await writer.write(chunk);
        onProgress(writer.bytes);
      }
      await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /**
   * Each submission has a name of its own, so that no other's file is overwritten while it is read; with an
   * idempotency key the same one each time, since the file is part of what is compared.
   */
  #keyFor(file: InputFile, options: BatchOptionsInput): string {
    const suffix =
      options.idempotency_key === undefined
        ? uniqueSuffix()
        : createHash('sha256').update(options.idempotency_key).digest('hex').slice(0, 16);
    const folder = this.#tenant === undefined ? '' : `${this.#tenant}/`;
    return `${inboxPrefix}${folder}${nameWith(file.name, suffix, '-')}`;
  }

  #submission(key: string, standingEtag: string | null): InputSubmission {
    const handle = key.slice(inboxPrefix.length);
    const place = `s3://${this.#bucket}/${key}`;
    const trustedAtMs = Date.now() + staleStatusMilliseconds;
    const state = async () => {
      const found = await inBucket(this.#bucket, () => this.#objects.readText(statusKey(key)));
      const isStale = found?.etag === standingEtag && Date.now() < trustedAtMs;
      return found && !isStale ? this.#stateOf(handle, found.text) : null;
    };
    const status = `s3://${this.#bucket}/${statusKey(key)}`;
    return {
      handle,
      place,
      document: { batch_id: null, status: 'dropped', name: handle, input: place, status_file: status },
      state,
    };
  }

  async find(handle: string): Promise<BatchState> {
    return inBucket(this.#bucket, async () => {
      const found = batchIdPattern.test(handle) ? await this.#findById(handle) : await this.#findByName(handle);
      return found ?? (await this.#findMeant(handle));
    });
  }

  async #findByName(handle: string): Promise<BatchState | null> {
    const path = plainName(handle);
    const found = await this.#objects.readText(statusKey(inboxPrefix + path));
    return found && this.#stateOf(path, found.text);
  }

  async #findById(batchId: string): Promise<BatchState | null> {
    const summary = await this.#readSummary(batchId);
    if (summary) return summary;
    for await (const state of this.#newest(maxSearched, () => true)) if (state.id === batchId) return state;
    return null;
  }

  async #readSummary(batchId: string): Promise<BatchState | null> {
    const found = await this.#objects.readText(resultKey(batchId, 'batch.json'));
    return found && stateOfSummary(JSON.parse(found.text));
  }

  /** The state of a batch. Once it has ended, its summary says more than its status file. */
  async #stateOf(handle: string, text: string): Promise<BatchState> {
    const state = stateOfStatus(handle, statusDocumentSchema.parse(JSON.parse(text)));
    const summary = hasBatchEnded(state) && state.id !== null ? await this.#readSummary(state.id) : null;
    return summary ? { ...summary, handle } : state;
  }

  async #findMeant(handle: string): Promise<BatchState> {
    const found = await findMeant(
      handle,
      this.#newest(maxSearched, () => true),
    );
    return found.id === null ? found : ((await this.#findById(found.id)) ?? found);
  }

  async list(request: ListRequest): Promise<BatchState[]> {
    const { limit, name, since, statuses } = request;
    return inBucket(this.#bucket, async () => {
      const isWanted = (handle: string, modifiedAtMs: number) =>
        (name === null || isNamedLike(handle, name)) && (since === null || modifiedAtMs >= since * 1_000);
      const states: BatchState[] = [];
      for await (const state of this.#newest(statuses === null ? limit : maxSearched, isWanted)) {
        if (states.length === limit) break;
        if (isListed(state, request)) states.push(state);
      }
      return states;
    });
  }

  /** The batches of the status files that were written last, read some at a time. */
  async *#newest(
    maxItems: number,
    isWanted: (handle: string, modifiedAtMs: number) => boolean,
  ): AsyncGenerator<BatchState> {
    const handles = await this.#newestHandles(maxItems, isWanted);
    for (let from = 0; from < handles.length; from += readsAtATime) {
      const some = handles.slice(from, from + readsAtATime);
      const texts = await Promise.all(some.map((handle) => this.#objects.readText(`${statusPrefix}${handle}.json`)));
      for (const [place, found] of texts.entries())
        if (found) yield stateOfStatus(some[place] ?? '', statusDocumentSchema.parse(JSON.parse(found.text)));
    }
  }

  async #newestHandles(
    maxItems: number,
    isWanted: (handle: string, modifiedAtMs: number) => boolean,
  ): Promise<string[]> {
    let newest: { handle: string; atMs: number }[] = [];
    const newestFirst = () => newest.toSorted((left, right) => right.atMs - left.atMs).slice(0, maxItems);
    const prefix = this.#tenant === undefined ? statusPrefix : `${statusPrefix}${this.#tenant}/`;
    for await (const { Key: key, LastModified: at } of this.#objectsBelow(prefix)) {
      const handle = key?.slice(statusPrefix.length).replace(/\.json$/, '');
      if (handle && at && isWanted(handle, at.getTime())) newest.push({ handle, atMs: at.getTime() });
      if (newest.length > maxItems + maxPageObjects) newest = newestFirst();
    }
    return newestFirst().map(({ handle }) => handle);
  }

  async cancel(): Promise<BatchState> {
    throw this.#needsApi('cancelled');
  }

  async collect(): Promise<BatchState> {
    throw this.#needsApi('collected again');
  }

  /** Drops the original lines of what failed again, with the options of the first drop. */
  async retry(handle: string): Promise<InputSubmission> {
    const state = await this.find(handle);
    if (!hasBatchEnded(state) || state.id === null)
      throw new CommandError(exitStatus.invalid, `Cannot retry a batch with status '${state.status}'.`);
    if (state.errorFile === null)
      throw new CommandError(exitStatus.invalid, `Batch '${handle}' has no failed requests to retry.`);
    const source = resultKey(state.id, 'retry.jsonl');
    const inputKey = inputKeyOf(state.document) ?? '';
    const folder = inputKey.startsWith(inboxPrefix) ? inputKey.slice(0, inputKey.lastIndexOf('/') + 1) : inboxPrefix;
    const key = `${folder}${state.id}-retry-${uniqueSuffix()}.jsonl`;
    return inBucket(this.#bucket, async () => {
      await this.#awaitRetryFile(source);
      const metadata = await this.#takeOptions(inputKey, key);
      await this.#client.send(
        new CopyObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          CopySource: `${this.#bucket}/${encodeURI(source)}`,
          MetadataDirective: 'REPLACE',
          Metadata: metadata,
        }),
      );
      return this.#submission(key, null);
    });
  }

  /** It follows the batch's end: at once, or within minutes for a very large batch. */
  async #awaitRetryFile(key: string): Promise<void> {
    for (let looks = 1; ; looks += 1) {
      const retry = await this.#objects.head(key);
      if (retry && retry.bytes > 0) return;
      if (looks === retryFileLooks)
        throw new CommandError(
          exitStatus.invalid,
          `There is no retry file ${key} yet. Try again in a few minutes; if it does not come, it is not kept any more.`,
        );
      await sleep(retryFilePauseMs);
    }
  }

  /**
   * Gives one drop the options of another, whatever way they came; not its idempotency key and its task, which are that one's, and
   * not those of a table, whose retry file holds requests.
   *
   * @returns those that are the object's metadata; the others stand beside it then.
   */
  async #takeOptions(from: string, to: string): Promise<Record<string, string>> {
    if (!from.startsWith(inboxPrefix)) return {};
    const [original, sidecars] = await Promise.all([
      this.#objects.head(from),
      Promise.all(sidecarKeys(from).map((beside) => this.#objects.readText(beside))),
    ]);
    const sidecar = sidecars.find((found) => found !== null);
    const beside = sidecar ? sidecarSchema.parse(JSON.parse(sidecar.text)) : null;
    const named = Object.entries(original?.metadata ?? {});
    const hasTemplate = 'template' in (beside ?? {}) || named.some(([name]) => optionNamed(name) === 'template');
    const ofTable = isTableName(from) || hasTemplate ? tableOptionNames : [];
    const isTaken = (option: string) => ![...ofDropAlone, ...ofTable].includes(option);
    if (beside) {
      const options = Object.entries(beside).filter(([name]) => isTaken(name));
      await this.#putSidecar(to, JSON.stringify(Object.fromEntries(options)));
    }
    return Object.fromEntries(named.filter(([name]) => isTaken(optionNamed(name))));
  }

  async open(reference: string): Promise<ResultStream> {
    const key = reference.replace(`s3://${this.#bucket}/`, '');
    const head = await inBucket(this.#bucket, () => this.#objects.head(key));
    if (!head) throw new NotFoundError(`The results at ${reference} are gone.`);
    return { bytes: head.bytes, chunks: this.#objects.stream(head) };
  }

  /**
   * Without the records: a collected answer stays what it is, so of a shard that was collected twice either object will
   * do, and there is none that is not whole.
   */
  async openPartial({ id }: BatchState): Promise<ResultStream> {
    const outputs = id === null ? [] : await inBucket(this.#bucket, () => this.#shardOutputs(id));
    return { bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0), chunks: this.#inTurn(outputs) };
  }

  async #shardOutputs(batchId: string): Promise<ShardOutput[]> {
    const byShard = new Map<string, ShardOutput>();
    for await (const { Key: key, Size: bytes = 0 } of this.#objectsBelow(workPrefix(batchId))) {
      const place = key === undefined ? null : shardOfOutputKey(key);
      if (key !== undefined && place) byShard.set(`${place.round}-${place.shard}`, { ...place, key, bytes });
    }
    return [...byShard.values()].toSorted((left, right) => left.round - right.round || left.shard - right.shard);
  }

  async *#inTurn(outputs: readonly ShardOutput[]): AsyncGenerator<Uint8Array> {
    for (const { key } of outputs) yield* this.#objects.stream({ bucket: this.#bucket, key });
  }

  async *#objectsBelow(prefix: string): AsyncGenerator<_Object> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const page of pages) yield* page.Contents ?? [];
  }

  async files(): Promise<StoredFile[]> {
    throw this.#needsApi('listed');
  }

  async retryOf(batch: BatchState): Promise<BatchState | null> {
    const since = batch.moments[0]?.at ?? 0;
    const isNamed = (handle: string) => batch.id !== null && handle.includes(`${batch.id}-retry-`);
    const retry = await inBucket(this.#bucket, () => findRetry(batch, since, this.#newest(maxSearched, isNamed)));
    return retry && this.find(retry.handle);
  }

  async usage(): Promise<UsageSums> {
    throw this.#needsApi('summed up');
  }

  #needsApi(done: string): CommandError {
    const message = `Through a bucket alone that cannot be ${done}: set BATCHDROP_URL and BATCHDROP_API_KEY.`;
    return new CommandError(exitStatus.invalid, message);
  }
}

/** Options that are of one drop. */
const ofDropAlone: readonly string[] = ['idempotency_key', 'task_token'];

const sidecarSchema = z.record(z.string(), z.unknown());

/** Whatever the environment says, as for the AWS CLI; local servers know buckets by path only. */
function connect(): S3Client {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const isElsewhere = Boolean(AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL);
  const region = AWS_REGION || AWS_DEFAULT_REGION || (isElsewhere ? 'us-east-1' : undefined);
  return new S3Client({ forcePathStyle: isElsewhere, followRegionRedirects: true, ...(region && { region }) });
}

/** `20261121T021500Z-3fa29c` */
function uniqueSuffix(): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
