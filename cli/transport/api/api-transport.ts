import { randomUUID } from 'node:crypto';
import { Deployment, type Download } from '../../../lib/client/deployment/deployment.ts';
import type { DeploymentBatch } from '../../../lib/client/deployment/replies.ts';
import { md5Digest } from '../../../lib/client/md5-digest.ts';
import type { BatchOptionsInput } from '../../../lib/records/options.ts';
import { CommandError, exitStatus } from '../../exit-status.ts';
import type { BatchState } from '../batch-state.ts';
import { asBlob, digestOf, endpointOf, type InputFile } from '../input-file.ts';
import type { InputSubmission, ResultStream, StoredFile, Transport } from '../transport.ts';
import { stateOfApiBatch } from './api-batch.ts';
import { calling } from './api-failure.ts';

/** A page of the API. */
const maxPageItems = 100;

/** A deployment, or the local stack, through its HTTP API. */
export class ApiTransport implements Transport {
  readonly #url: string;
  readonly #deployment: Deployment;

  /** @param url with or without `/v1` at its end. */
  constructor(url: string, apiKey: string) {
    if (!URL.canParse(url)) throw new CommandError(exitStatus.invalid, `The URL '${url}' is none.`);
    this.#url = url.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#deployment = new Deployment({ url, apiKey });
  }

  async submit(
    file: InputFile,
    options: BatchOptionsInput,
    onProgress: (sentBytes: number) => void,
  ): Promise<InputSubmission> {
    const endpoint = options.endpoint ?? (await endpointOf(file));
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
    const name = file.name.replace(/\.jsonl$/i, `.${(await digestOf(file)).slice(0, 16)}.jsonl`);
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
    return this.#calling(async () => stateOfApiBatch(await this.#deployment.retrieveBatch(handle)));
  }

  async list(limit: number): Promise<BatchState[]> {
    return this.#calling(async () => {
      const states: BatchState[] = [];
      let after: string | null = null;
      do {
        const query = { limit: Math.min(maxPageItems, limit - states.length), ...(after !== null && { after }) };
        const { batches, next } = await this.#deployment.listBatches(query);
        states.push(...batches.map(stateOfApiBatch));
        after = next;
      } while (after !== null && states.length < limit);
      return states;
    });
  }

  async cancel(handle: string): Promise<BatchState> {
    return this.#calling(async () => stateOfApiBatch(await this.#deployment.cancelBatch(handle)));
  }

  async collect(handle: string): Promise<BatchState> {
    return this.#calling(async () => stateOfApiBatch(await this.#deployment.collectBatch(handle)));
  }

  async retry(handle: string): Promise<InputSubmission> {
    return this.#calling(async () => this.#submission(await this.#deployment.retryBatch(handle)));
  }

  async open(reference: string): Promise<ResultStream> {
    const { bytes, response } = await this.#calling(() => this.#deployment.openFile(reference));
    return { bytes, chunks: chunksOf(response) };
  }

  async openPartial({ handle, shards }: BatchState): Promise<ResultStream> {
    const answered = (shards ?? []).filter(({ status, completed }) => status === 'collected' && completed > 0);
    const openings = answered.map(
      ({ round, shard }) =>
        () =>
          this.#deployment.openShard(handle, round, shard),
    );
    return { bytes: null, chunks: this.#inTurn(openings) };
  }

  async *#inTurn(openings: readonly (() => Promise<Download>)[]): AsyncGenerator<Uint8Array> {
    for (const open of openings) {
      const { response } = await this.#calling(open);
      yield* chunksOf(response);
    }
  }

  async files(limit: number): Promise<StoredFile[]> {
    const files = await this.#calling(() => this.#deployment.listFiles({ limit }));
    return files.map(({ created_at: createdAt, ...file }) => ({ ...file, createdAt }));
  }

  #calling<Result>(call: () => Promise<Result>): Promise<Result> {
    return calling(this.#url, call);
  }
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body) yield* body;
}
