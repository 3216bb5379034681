import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { z } from 'zod';
import type { BatchOptionsInput } from '../../../lib/records/options.ts';
import { CommandError, exitStatus } from '../../exit-status.ts';
import type { BatchState } from '../batch-state.ts';
import { digestOf, endpointOf, type InputFile } from '../input-file.ts';
import type { ResultStream, StoredFile, Submission, Transport } from '../transport.ts';
import { stateOfApiBatch } from './api-batch.ts';
import { calling } from './api-failure.ts';
import { uploadFile } from './upload.ts';

/** Two tries more than the first: creations carry a key, so a repeated one gives the same batch. */
const maxRetries = 2;
/** A page of the API. */
const maxPageItems = 100;

const pageSchema = z.object({ data: z.array(z.unknown()), last_id: z.string().nullish(), has_more: z.boolean() });

/** A deployment, or the local stack, through its HTTP API: by the official SDK, as any other client. */
export class ApiTransport implements Transport {
  readonly #url: string;
  readonly #sdk: OpenAI;

  /** @param url with or without `/v1` at its end. */
  constructor(url: string, apiKey: string) {
    if (!URL.canParse(url)) throw new CommandError(exitStatus.invalid, `The URL '${url}' is none.`);
    this.#url = url.replace(/\/+$/, '').replace(/\/v1$/, '');
    const baseURL = `${this.#url}/v1`;
    this.#sdk = new OpenAI({ apiKey, baseURL, maxRetries, organization: null, project: null, logLevel: 'off' });
  }

  async submit(
    file: InputFile,
    options: BatchOptionsInput,
    onProgress: (sentBytes: number) => void,
  ): Promise<Submission> {
    const endpoint = options.endpoint ?? (await endpointOf(file));
    return this.#calling(async () => {
      const fileId = await this.#fileIdOf(file, options, onProgress);
      const { idempotency_key: key = randomUUID(), ...rest } = options;
      const body = { ...rest, input_file_id: fileId, endpoint, completion_window: '24h' };
      return this.#submission(await this.#sdk.post('/batches', { body, headers: { 'idempotency-key': key } }));
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
    if (options.idempotency_key === undefined) return uploadFile(this.#sdk, file, file.name, onProgress);
    const name = file.name.replace(/\.jsonl$/i, `.${(await digestOf(file)).slice(0, 16)}.jsonl`);
    const { data } = await this.#sdk.files.list({ purpose: 'batch' });
    const standing = data.find(({ filename, bytes }) => filename === name && bytes === file.bytes);
    return standing?.id ?? (await uploadFile(this.#sdk, file, name, onProgress));
  }

  #submission(document: unknown): Submission {
    const created = stateOfApiBatch(document);
    return { handle: created.handle, place: this.#url, document, state: () => this.find(created.handle) };
  }

  async find(handle: string): Promise<BatchState> {
    return this.#calling(async () => stateOfApiBatch(await this.#sdk.get(batchPath(handle))));
  }

  async list(limit: number): Promise<BatchState[]> {
    return this.#calling(async () => {
      const states: BatchState[] = [];
      let after: string | undefined;
      do {
        const query = { limit: Math.min(maxPageItems, limit - states.length), ...(after && { after }) };
        const page = pageSchema.parse(await this.#sdk.get('/batches', { query }));
        states.push(...page.data.map(stateOfApiBatch));
        after = page.has_more ? (page.last_id ?? undefined) : undefined;
      } while (after && states.length < limit);
      return states;
    });
  }

  async cancel(handle: string): Promise<BatchState> {
    return this.#calling(async () => stateOfApiBatch(await this.#sdk.post(`${batchPath(handle)}/cancel`)));
  }

  async retry(handle: string): Promise<Submission> {
    return this.#calling(async () => this.#submission(await this.#sdk.post(`${batchPath(handle)}/retry`)));
  }

  async open(reference: string): Promise<ResultStream> {
    const response = await this.#calling(() => this.#sdk.files.content(reference));
    const length = response.headers.get('content-length');
    return { bytes: length === null ? null : Number(length), chunks: response.body ?? nothing() };
  }

  async openPartial({ handle, shards }: BatchState): Promise<ResultStream> {
    const answered = (shards ?? []).filter(({ status, completed }) => status === 'collected' && completed > 0);
    const paths = answered.map(({ round, shard }) => `${batchPath(handle)}/shards/${round}/${shard}/output`);
    return { bytes: null, chunks: this.#inTurn(paths) };
  }

  async *#inTurn(paths: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const path of paths) {
      const response = await this.#calling(() => this.#sdk.get(path).asResponse());
      yield* response.body ?? nothing();
    }
  }

  async files(limit: number): Promise<StoredFile[]> {
    const { data } = await this.#calling(() => this.#sdk.files.list({ limit }));
    return data.map(({ id, filename, bytes, purpose, created_at: createdAt }) => ({
      id,
      filename,
      bytes,
      purpose,
      createdAt,
    }));
  }

  #calling<Result>(call: () => Promise<Result>): Promise<Result> {
    return calling(this.#url, call);
  }
}

function batchPath(handle: string): string {
  return `/batches/${encodeURIComponent(handle)}`;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
