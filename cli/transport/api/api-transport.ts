import { randomUUID } from 'node:crypto';
import {
  type BatchListQuery,
  Deployment,
  type DeploymentBatchList,
} from '../../../lib/client/deployment/deployment.ts';
import type { DeploymentBatch, DeploymentUsage, UsageRow } from '../../../lib/client/deployment/replies.ts';
import { joinRows } from '../../../lib/client/deployment/usage-sums.ts';
import { md5Digest } from '../../../lib/client/md5-digest.ts';
import { batchIdPattern } from '../../../lib/records/ids.ts';
import { batchStatuses } from '../../../lib/records/openai-batch.ts';
import type { BatchOptionsInput } from '../../../lib/records/options.ts';
import { CommandError, exitStatus } from '../../exit-status.ts';
import { findMeant, findRetry, isListed, isOlder } from '../batch-filter.ts';
import type { BatchState, ShardState } from '../batch-state.ts';
import { asBlob, digestOf, endpointIn, type InputFile, nameWith } from '../input-file.ts';
import type {
  InputSubmission,
  ListRequest,
  ResultStream,
  StoredFile,
  Transport,
  UsageRequest,
  UsageSums,
} from '../transport.ts';
import { stateOfApiBatch } from './api-batch.ts';
import { calling } from './api-failure.ts';

/** A page of the API. */
const maxPageItems = 100;

/** Batches among which a name is looked for. */
const maxSearched = 2_000;

/** A deployment, or the local stack, through its HTTP API. */
export class ApiTransport implements Transport {
  readonly #url: string;
  readonly #deployment: Deployment;
  readonly #tenant: string | undefined;

  /**
   * @param url with or without `/v1` at its end.
   * @param tenant whose batches, where it is not the key's own.
   */
  constructor(url: string, apiKey: string, tenant?: string) {
    if (!URL.canParse(url)) throw new CommandError(exitStatus.invalid, `The URL '${url}' is none.`);
    this.#url = url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#deployment = new Deployment({ url, apiKey });
    this.#tenant = tenant;
  }

  async submit(
    file: InputFile,
    options: BatchOptionsInput,
    onProgress: (sentBytes: number) => void,
  ): Promise<InputSubmission> {
    if (this.#tenant !== undefined)
      throw new CommandError(
        exitStatus.invalid,
        "--tenant is for a bucket: through the API a batch is its key's tenant's.",
      );
    const endpoint = options.endpoint ?? (await endpointIn(file, options.template));
    return this.#calling(async () => {
      const fileId = await this.#fileIdOf(file, options, onProgress);
      const { idempotency_key: idempotencyKey = randomUUID(), ...rest } = options;
      const body = { ...rest, input_file_id: fileId, endpoint, completion_window: '24h' } as const;
      return this.#submission(await this.#deployment.createBatch(body, { idempotencyKey }));
    });
  }

  /**
   * With an idempotency key the file must be the same one too, not only a like one: its name there then carries its
   * digest, and one that is there already is used again.
   */
  async #fileIdOf(
    file: InputFile,
    options: BatchOptionsInput,
    onProgress: (sentBytes: number) => void,
  ): Promise<string> {
    if (options.idempotency_key === undefined) return this.#upload(file, file.name, onProgress);
    const name = nameWith(file.name, (await digestOf(file)).slice(0, 16));
    const files = await this.#deployment.listFiles({ purpose: 'batch' });
    const standing = files.find(({ filename, bytes }) => filename === name && bytes === file.bytes);
    return standing?.id ?? (await this.#upload(file, name, onProgress));
  }

  async #upload(file: InputFile, name: string, onProgress: (sentBytes: number) => void): Promise<string> {
    const stored = await this.#deployment.uploadFile(await asBlob(file), { name, md5: md5Digest(), onProgress });
    return stored.id;
  }

  #submission(batch: DeploymentBatch): InputSubmission {
    const { handle } = stateOfApiBatch(batch);
    return { handle, place: this.#url, document: batch, state: () => this.find(handle) };
  }

  async find(handle: string): Promise<BatchState> {
    return this.#calling(async () => {
      const query = this.#tenant === undefined ? {} : { tenant: this.#tenant };
      const id = await this.#idOf(handle);
      return stateOfApiBatch(await this.#deployment.retrieveBatch(id, undefined, query));
    });
  }

  /** A whole id goes as it is; what else people type is looked for among the newest batches. */
  async #idOf(handle: string): Promise<string> {
    if (batchIdPattern.test(handle)) return handle;
    const { id } = await findMeant(handle, this.#newest(maxPageItems, maxSearched));
    return id ?? handle;
  }

  async list(request: ListRequest): Promise<BatchState[]> {
    const filter = filterOf(request);
    if (filter === null) return [];
    return this.#calling(async () => {
      const states: BatchState[] = [];
      const pageItems = Math.min(maxPageItems, request.limit);
      // A deployment of an earlier release leaves nothing out.
      for await (const state of this.#newest(pageItems, Number.POSITIVE_INFINITY, filter)) {
        if (states.length === request.limit || isOlder(state, request)) break;
        if (isListed(state, request)) states.push(state);
      }
      return states;
    });
  }

  /** The newest batches, page by page, as far as somebody reads. */
  async *#newest(pageItems: number, maxItems: number, filter: BatchListQuery = {}): AsyncGenerator<BatchState> {
    const tenant = this.#tenant === undefined ? {} : { tenant: this.#tenant };
    let count = 0;
    let after: string | null = null;
    do {
      const query = { ...filter, limit: pageItems, ...tenant, ...(after !== null && { after }) };
      const { batches, next }: DeploymentBatchList = await this.#deployment.listBatches(query);
      for (const batch of batches) yield stateOfApiBatch(batch);
      count += batches.length;
      after = next;
    } while (after !== null && count < maxItems);
  }

  async cancel(handle: string): Promise<BatchState> {
    return this.#calling(async () => stateOfApiBatch(await this.#deployment.cancelBatch(await this.#idOf(handle))));
  }

  async collect(handle: string): Promise<BatchState> {
    return this.#calling(async () => stateOfApiBatch(await this.#deployment.collectBatch(await this.#idOf(handle))));
  }

  async retry(handle: string): Promise<InputSubmission> {
    return this.#calling(async () => this.#submission(await this.#deployment.retryBatch(await this.#idOf(handle))));
  }

  async open(reference: string): Promise<ResultStream> {
    const { bytes, response } = await this.#calling(() => this.#deployment.openFile(reference));
    return { bytes, chunks: chunksOf(response) };
  }

  async openPartial(state: BatchState): Promise<ResultStream> {
    return { bytes: null, chunks: this.#answersSoFar(state) };
  }

  async *#answersSoFar({ handle, ...first }: BatchState): AsyncGenerator<Uint8Array> {
    for await (const { round, shard, status, completed } of this.#allShards(handle, first)) {
      if (status !== 'collected' || completed === 0) continue;
      const { response } = await this.#calling(() => this.#deployment.openShard(handle, { round, shard }, 'output'));
      yield* chunksOf(response);
    }
  }

  /** An answer holds a thousand of a batch's shards, and says how many more there are. */
  async *#allShards(handle: string, first: Pick<BatchState, 'shards' | 'shardsOmitted'>): AsyncGenerator<ShardState> {
    let { shards, shardsOmitted } = first;
    for (;;) {
      yield* shards ?? [];
      const last = shards?.at(-1);
      if (!last || shardsOmitted === 0) return;
      const query = { shards_after: `${last.round}-${last.shard}` };
      const next = await this.#calling(() => this.#deployment.retrieveBatch(handle, undefined, query));
      ({ shards, shardsOmitted } = stateOfApiBatch(next));
    }
  }

  async files(limit: number): Promise<StoredFile[]> {
    const files = await this.#calling(() => this.#deployment.listFiles({ limit }));
    return files.map(({ created_at: createdAt, ...file }) => ({ ...file, createdAt }));
  }

  async retryOf(batch: BatchState): Promise<BatchState | null> {
    const since = batch.moments[0]?.at ?? 0;
    const retry = await this.#calling(() =>
      findRetry(batch, since, this.#newest(maxPageItems, Number.POSITIVE_INFINITY)),
    );
    return retry && this.find(retry.id ?? retry.handle);
  }

  async usage(request: UsageRequest): Promise<UsageSums> {
    return this.#calling(async () => {
      const pages: UsageRow[][] = [];
      let after: string | null = null;
      for (;;) {
        const page: DeploymentUsage = await this.#deployment.usage({ ...request, ...(after !== null && { after }) });
        pages.push(page.data);
        after = page.next;
        const { from, to, by, tenant } = page;
        if (after === null) return { from, to, by, tenant, rows: joinRows(pages) };
      }
    });
  }

  #calling<Result>(call: () => Promise<Result>): Promise<Result> {
    return calling(this.#url, call);
  }
}

/** @returns null where no batch of an API can be meant: it refuses no drop. */
function filterOf({ statuses, since, name }: ListRequest): BatchListQuery | null {
  const known = statuses?.filter((status) => batchStatuses.some((one) => one === status)) ?? null;
  if (known?.length === 0) return null;
  return {
    ...(known && { status: known.join(',') }),
    ...(since !== null && { created_after: Math.max(1, Math.floor(since)) }),
    ...(name && { name }),
  };
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body) yield* body;
}
