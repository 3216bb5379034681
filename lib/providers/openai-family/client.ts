import OpenAI from 'openai';
import { z } from 'zod';
import { isObject } from '../../records/json.ts';
import type {
  BatchPage,
  Catalog,
  ConnectionSettings,
  CreateOutcome,
  LostCreate,
  LostCreateFinding,
  PageRequest,
  ProviderBatch,
  ProviderClient,
  Sending,
  UploadOutcome,
} from '../contract.ts';
import { type BatchFields, batchFieldsSchema } from '../shared/batch-fields.ts';
import { readTimeoutSeconds, uploadTimeoutSeconds } from '../shared/http/allowances.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import { callError, hasEndedAlready } from '../shared/http/failed-call.ts';
import { KeyedClient } from '../shared/http/keyed-client.ts';
import { findProven, maxListPages } from '../shared/http/lost-create.ts';
import { ownSendingOf } from '../shared/http/own-sending.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { readableRefusals } from '../shared/http/readable-refusals.ts';
import { streamedBody, withSpooledFile } from '../shared/http/spooled-file.ts';
import { storedFileId } from '../shared/http/stored-file.ts';
import { uploadFailure } from '../shared/http/upload-failure.ts';
import { uploadForm } from '../shared/http/upload-form.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import { walkedPage } from '../shared/http/walked-page.ts';
import { type BatchObject, batchObjectSchema, knownStatus, providerBatchFrom } from './batch-object.ts';
import type { Dialect, ListPage } from './dialect.ts';

/** Headers of a caller of the library, beside which ours go. */
const givenHeadersSchema = z.object({ defaultHeaders: z.record(z.string(), z.string().nullable()) });

const fileSizeSchema = z.object({ bytes: z.number().int().positive() });

const pageLimit = 100;

export function connectDialect(settings: ConnectionSettings, dialect: Dialect): ProviderClient & Catalog {
  return new OpenAIClient(settings, dialect);
}

/** OpenAI's batch API, and whatever speaks it. Source: https://platform.openai.com/docs/api-reference/batch */
class OpenAIClient implements ProviderClient, Catalog {
  readonly #dialect: Dialect;
  readonly #createTimeoutSeconds: number;
  readonly #providerOptions: object;
  readonly #sdk: KeyedClient<OpenAI>;

  constructor(settings: ConnectionSettings, dialect: Dialect) {
    this.#dialect = dialect;
    this.#createTimeoutSeconds = settings.config.createTimeoutSeconds;
    this.#providerOptions = settings.providerOptions ?? {};
    this.#sdk = new KeyedClient(settings, (secret) => newSdkClient(settings, dialect, secret));
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#page({ limit: 1 }, signal);
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        return { outcome: 'uploaded', providerInputFileId: await this.#store(blob, `${sending.prefix}.jsonl`, signal) };
      } catch (error) {
        return uploadFailure(error, `Uploading to ${this.#dialect.service}`);
      }
    });
  }

  async #store(blob: Blob, fileName: string, signal: AbortSignal): Promise<string> {
    const { body, contentType } = uploadForm(this.#dialect.uploadFields(fileName), blob, fileName);
    const options = {
      body,
      headers: { 'content-type': contentType },
      maxRetries: 0,
      timeout: uploadTimeoutSeconds * 1000,
      fetchOptions: streamedBody,
    };
    const stored: unknown = await withDeadline(signal, uploadTimeoutSeconds, (deadline) =>
      this.#sdk.call((sdk) => sdk.post(this.#dialect.uploadPath, { ...options, signal: deadline })),
    );
    return storedFileId(stored, fileName);
  }

  async create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    const { service } = this.#dialect;
    if (providerInputFileId === null)
      return { outcome: 'refused', code: 'missing_input_file', message: `${service} takes its lines as a file only.` };
    if (signal.aborted) return stoppedBeforeSending;
    const body = { ...this.#dialect.creation(sending, providerInputFileId), ...this.#providerOptions };
    const timeout = this.#createTimeoutSeconds;
    return await createOutcome(service, () =>
      withDeadline(signal, timeout, async (deadline) => {
        // A repeated create is a second batch, paid for a second time.
        const options = { body, maxRetries: 0, timeout: timeout * 1000, signal: deadline };
        return this.#dialect.batchFrom(await this.#sdk.call((sdk) => sdk.post<unknown>('/batches', options)));
      }),
    );
  }

  /** Our token in a batch's metadata proves that it is ours, and so does our input file: both are used once. */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const wires = this.#listed(signal, { limit: pageLimit, maxPages: maxListPages });
    return await findProven(
      wires,
      (wire) => this.#parsed(wire).id,
      (wire) => isOurs(this.#parsed(wire), lost),
    );
  }

  /** All batches of the account, in the service's order. */
  #listed(
    signal: AbortSignal,
    { limit, maxPages, options = {} }: { limit: number; maxPages?: number; options?: object },
  ): AsyncGenerator<unknown> {
    return everyPage(
      async (after) => {
        const { batches, next } = await this.#page({ limit, ...(after !== undefined && { after }) }, signal, options);
        return { items: batches, next };
      },
      (wire) => this.#parsed(wire).id,
      maxPages,
    );
  }

  async #page(page: PageRequest, signal: AbortSignal, options: object = {}): Promise<ListPage> {
    const { service, list } = this.#dialect;
    const what = `The list of batches of ${service}`;
    const reply = await this.#readJson('/batches', { ...list.query(page), ...options }, what, signal);
    try {
      const { batches, next } = list.pageFrom(reply, page.limit);
      return { batches: batches.map((batch) => this.#dialect.batchFrom(batch)), next };
    } catch (error) {
      throw callError(what, error);
    }
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    const batch = this.#parsed(await this.#retrieved(providerBatchId, signal));
    return providerBatchFrom(batch, this.#dialect);
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return this.#fieldsOf(await this.#retrieved(providerBatchId, signal));
  }

  async #retrieved(providerBatchId: string, signal: AbortSignal): Promise<unknown> {
    const what = `The batch ${providerBatchId} of ${this.#dialect.service}`;
    const path = `/batches/${encodeURIComponent(providerBatchId)}`;
    return this.#dialect.batchFrom(await this.#readJson(path, this.#providerOptions, what, signal));
  }

  async list(request: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    if (!this.#dialect.list.goesOnBehindIds) {
      const newestFirst = this.#listed(signal, { limit: request.limit, options: this.#providerOptions });
      return await walkedPage(newestFirst, (batch) => this.#fieldsOf(batch), request);
    }
    const page = await this.#page(request, signal, this.#providerOptions);
    return { batches: page.batches.map((batch) => this.#fieldsOf(batch)), hasMore: page.next !== null };
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    const path = this.#dialect.cancelPath(encodeURIComponent(providerBatchId));
    try {
      await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#sdk.call((sdk) => sdk.post(path, { query: this.#providerOptions, maxRetries: 0, signal: deadline })),
      );
    } catch (error) {
      if (!hasEndedAlready(error))
        throw callError(`Cancelling the batch ${providerBatchId} of ${this.#dialect.service}`, error);
    }
  }

  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { service, results, verifiesBySize } = this.#dialect;
    const path = encodeURIComponent(resultRef);
    if (results) {
      const what = `The results of the batch ${resultRef} of ${service}`;
      yield* results((under, query) => this.#readJson(under, query, what, signal), path);
      return;
    }
    const what = `The file ${resultRef} of ${service}`;
    const response = await this.#read(signal, what, (sdk, options) =>
      sdk.files.content(resultRef, { ...options, query: this.#providerOptions }),
    );
    const sizeBytes = verifiesBySize ? await this.#sizeOf(`/files/${path}`, what, signal) : null;
    yield* verifiedDownload(response, what, sizeBytes);
  }

  /** Null where the service does not say. */
  async #sizeOf(path: string, what: string, signal: AbortSignal): Promise<number | null> {
    const size = fileSizeSchema.safeParse(await this.#readJson(path, {}, what, signal));
    return size.success ? size.data.bytes : null;
  }

  async #readJson(path: string, query: object, what: string, signal: AbortSignal): Promise<unknown> {
    return await this.#read(signal, what, (sdk, options) => sdk.get<unknown>(path, { ...options, query }));
  }

  async #read<Result>(
    signal: AbortSignal,
    what: string,
    call: (sdk: OpenAI, options: { signal: AbortSignal }) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#sdk.call((sdk) => call(sdk, { signal: deadline })),
      );
    } catch (error) {
      throw callError(what, error);
    }
  }

  #fieldsOf(batch: unknown): BatchFields {
    return parsedReply(batchFieldsSchema, inKnownWords(batch), `A batch of ${this.#dialect.service}`);
  }

  #parsed(batch: unknown): BatchObject {
    return parsedReply(batchObjectSchema, batch, `A batch of ${this.#dialect.service}`);
  }
}

/** Nothing comes from the environment: an account is what the configuration says, and there may be several. */
export function newSdkClient(settings: ConnectionSettings, dialect: Dialect, secret: string): OpenAI {
  const { config, clientOptions } = settings;
  const { defaultHeaders, ...credentials } = dialect.credentials(secret);
  const given = givenHeadersSchema.safeParse(clientOptions);
  return new OpenAI({
    ...(dialect.baseUrl !== null && { baseURL: dialect.baseUrl }),
    organization: null,
    project: null,
    maxRetries: 2,
    timeout: readTimeoutSeconds * 1000,
    logLevel: 'off',
    ...clientOptions,
    fetch: readableRefusals(ownSendingOf(settings).fetch),
    ...(config.baseUrl !== undefined && { baseURL: config.baseUrl }),
    ...(defaultHeaders && { defaultHeaders: { ...given.data?.defaultHeaders, ...defaultHeaders } }),
    ...credentials,
  });
}

/** A batch whose status is OpenAI's word, where anybody knows its own. */
function inKnownWords(batch: unknown): unknown {
  if (!isObject(batch) || typeof batch.status !== 'string') return batch;
  return { ...batch, status: knownStatus(batch.status) ?? batch.status };
}

function isOurs(batch: BatchObject, lost: LostCreate): boolean {
  if (Object.values(batch.metadata ?? {}).includes(lost.sending.token)) return true;
  return lost.providerInputFileId !== null && batch.input_file_id === lost.providerInputFileId;
}
