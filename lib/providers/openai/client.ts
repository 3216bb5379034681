import OpenAI from 'openai';
import { z } from 'zod';
import { type BatchFields, batchFieldsSchema } from '../batch-fields.ts';
import { createOutcome, stoppedBeforeSending } from '../create-outcome.ts';
import { withDeadline } from '../deadline.ts';
import { everyPage } from '../every-page.ts';
import { callError, failedCall, isOwnError } from '../failed-call.ts';
import { KeyedClient } from '../keyed-client.ts';
import type {
  BatchPage,
  ConnectionSettings,
  CreateOutcome,
  LostCreate,
  LostCreateFinding,
  PageRequest,
  ProviderBatch,
  ProviderClient,
  Sending,
  UploadOutcome,
} from '../provider.ts';
import { streamedBody, withSpooledFile } from '../spooled-file.ts';
import { verifiedDownload } from '../verified-download.ts';
import { type BatchObject, batchObjectSchema, providerBatchFrom } from './batch-object.ts';
import { isOpenAIEndpoint } from './request.ts';
import { uploadForm } from './upload-form.ts';

/** How long OpenAI keeps our input and its results: 30 days, the most. Source: openai 7.55 `OutputExpiresAfter`. */
const expiresAfter = { anchor: 'created_at', seconds: 2_592_000 } as const;

const batchTerms = { completion_window: '24h', output_expires_after: expiresAfter } as const;

const uploadFields = {
  purpose: 'batch',
  'expires_after[anchor]': expiresAfter.anchor,
  'expires_after[seconds]': String(expiresAfter.seconds),
};

const fileObjectSchema = z.object({ id: z.string().min(1) });

/** How long a look may take, its two retries included. */
const readTimeoutSeconds = 60;

/** 200 MB at 350 kB/s. */
const uploadTimeoutSeconds = 600;

/** How far the provider's clock may be from ours. */
const clockSkewSeconds = 300;

const defaultBaseUrl = 'https://api.openai.com/v1';

export function connectOpenAI(settings: ConnectionSettings): ProviderClient {
  return new OpenAIClient(settings);
}

/** OpenAI's batch API, and whatever speaks it. Source: https://platform.openai.com/docs/api-reference/batch */
class OpenAIClient implements ProviderClient {
  readonly #createTimeoutSeconds: number;
  readonly #providerOptions: object;
  readonly #sdk: KeyedClient<OpenAI>;

  constructor(settings: ConnectionSettings) {
    this.#createTimeoutSeconds = settings.config.createTimeoutSeconds;
    this.#providerOptions = settings.providerOptions ?? {};
    this.#sdk = new KeyedClient(settings, (apiKey) => newSdkClient(settings, apiKey));
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#read(signal, 'The list of batches', (sdk, options) => sdk.batches.list({ limit: 1 }, options));
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        return { outcome: 'uploaded', providerInputFileId: await this.#store(blob, `${sending.prefix}.jsonl`, signal) };
      } catch (error) {
        return uploadFailure(error);
      }
    });
  }

  async #store(blob: Blob, fileName: string, signal: AbortSignal): Promise<string> {
    const { body, contentType } = uploadForm(uploadFields, blob, fileName);
    const options = {
      body,
      headers: { 'content-type': contentType },
      maxRetries: 0,
      timeout: uploadTimeoutSeconds * 1000,
      fetchOptions: streamedBody,
    };
    const stored: unknown = await withDeadline(signal, uploadTimeoutSeconds, (deadline) =>
      this.#sdk.call((sdk) => sdk.post('/files', { ...options, signal: deadline })),
    );
    return fileObjectSchema.parse(stored).id;
  }

  async create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    const { endpoint, metadata } = sending;
    if (!isOpenAIEndpoint(endpoint) || providerInputFileId === null)
      return { outcome: 'refused', code: 'unsupported_endpoint', message: `OpenAI has no batches for ${endpoint}.` };
    if (signal.aborted) return stoppedBeforeSending;
    const params = { input_file_id: providerInputFileId, endpoint, metadata, ...batchTerms, ...this.#providerOptions };
    const timeout = this.#createTimeoutSeconds;
    return await createOutcome('OpenAI', () =>
      withDeadline(signal, timeout, (deadline) =>
        this.#sdk.call((sdk) =>
          // A repeated create is a second batch, paid for a second time.
          sdk.batches.create(params, { maxRetries: 0, timeout: timeout * 1000, signal: deadline }),
        ),
      ),
    );
  }

  /** Our token in a batch's metadata proves that it is ours, and so does our input file: both are used once. */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const oldestSeconds = lost.windowStartMs / 1000 - clockSkewSeconds;
    for await (const batch of this.#newestFirst(signal)) {
      if (typeof batch.created_at === 'number' && batch.created_at < oldestSeconds) break;
      if (isOurs(batch, lost)) return { finding: 'found', providerBatchId: batch.id };
    }
    return { finding: 'none' };
  }

  async *#newestFirst(signal: AbortSignal): AsyncGenerator<BatchObject> {
    const list = everyPage((after) =>
      this.#read(signal, 'The list of batches', (sdk, options) =>
        sdk.batches.list({ limit: 100, ...(after !== undefined && { after }) }, options),
      ),
    );
    for await (const batch of list) yield parsed(batch);
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    const batch: unknown = await this.#read(signal, `OpenAI's batch ${providerBatchId}`, (sdk, options) =>
      sdk.batches.retrieve(providerBatchId, { ...options, query: this.#providerOptions }),
    );
    return providerBatchFrom(parsed(batch));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    const batch: unknown = await this.#read(signal, `OpenAI's batch ${providerBatchId}`, (sdk, options) =>
      sdk.batches.retrieve(providerBatchId, { ...options, query: this.#providerOptions }),
    );
    return fieldsOf(batch);
  }

  async list({ after, limit }: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    const query = { limit, ...(after !== undefined && { after }), ...this.#providerOptions };
    const page = await this.#read(signal, 'The list of batches', (sdk, options) => sdk.batches.list(query, options));
    return { batches: page.data.map(fieldsOf), hasMore: page.has_more };
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    try {
      await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#sdk.call((sdk) =>
          sdk.batches.cancel(providerBatchId, { query: this.#providerOptions, maxRetries: 0, signal: deadline }),
        ),
      );
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling OpenAI's batch ${providerBatchId}`, error);
    }
  }

  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const what = `OpenAI's file ${resultRef}`;
    const response = await this.#read(signal, what, (sdk, options) =>
      sdk.files.content(resultRef, { ...options, query: this.#providerOptions }),
    );
    yield* verifiedDownload(response, what);
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
}

/** Nothing comes from the environment: an account is what the configuration says, and there may be several. */
function newSdkClient(settings: ConnectionSettings, apiKey: string): OpenAI {
  const { baseUrl } = settings.config;
  return new OpenAI({
    baseURL: defaultBaseUrl,
    organization: null,
    project: null,
    maxRetries: 2,
    timeout: readTimeoutSeconds * 1000,
    logLevel: 'off',
    ...settings.clientOptions,
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
    apiKey,
  });
}

function uploadFailure(error: unknown): UploadOutcome {
  if (isOwnError(error)) throw error;
  const failed = failedCall(error);
  if (failed.kind !== 'answered') throw callError('Uploading to OpenAI', error);
  const { status, code, message, retryAfterSeconds } = failed;
  if (status === 429) return { outcome: 'deferred', message, retryAfterSeconds, isRateLimit: true };
  if (status === 408 || status === 409 || status >= 500) throw callError('Uploading to OpenAI', error);
  return { outcome: 'refused', code, message };
}

function fieldsOf(batch: unknown): BatchFields {
  const result = batchFieldsSchema.safeParse(batch);
  if (result.success) return result.data;
  throw callError('A batch of OpenAI', result.error);
}

function parsed(batch: unknown): BatchObject {
  const result = batchObjectSchema.safeParse(batch);
  if (result.success) return result.data;
  throw callError('A batch of OpenAI', result.error);
}

function isOurs(batch: BatchObject, lost: LostCreate): boolean {
  if (Object.values(batch.metadata ?? {}).includes(lost.sending.token)) return true;
  return lost.providerInputFileId !== null && batch.input_file_id === lost.providerInputFileId;
}

function hasEndedAlready(error: unknown): boolean {
  const failed = failedCall(error);
  return failed.kind === 'answered' && (failed.status === 400 || failed.status === 409);
}
