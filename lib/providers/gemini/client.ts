import { z } from 'zod';
import { parseExact } from '../../lines/exact-json.ts';
import { objectOf } from '../../lines/foreign-json.ts';
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
import { type Api, type ApiCall, callApi, encodedModel, encodedName, look, read } from '../google-family/api.ts';
import { listReply } from '../google-family/list-reply.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { readTimeoutSeconds, uploadTimeoutSeconds } from '../shared/http/allowances.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import { callError, hasEndedAlready } from '../shared/http/failed-call.ts';
import type { KeyedClient } from '../shared/http/keyed-client.ts';
import { findProven, maxListPages } from '../shared/http/lost-create.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { withSpooledFile } from '../shared/http/spooled-file.ts';
import { assertStoredAs } from '../shared/http/stored-file.ts';
import { uploadFailure } from '../shared/http/upload-failure.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import { walkedPage } from '../shared/http/walked-page.ts';
import { geminiApi } from './api.ts';
import {
  type BatchOperation,
  batchFieldsFrom,
  batchOperationSchema,
  inlinedResponses,
  inlineRef,
  providerBatchFrom,
} from './batch-operation.ts';

const pageSize = 100;

const uploadedSchema = z.object({
  file: z.object({ name: z.string().min(1), displayName: z.string().nullish().catch(null) }),
});
const createdSchema = z.object({ name: z.string().min(1) });
const listSchema = listReply({ operations: z.array(batchOperationSchema).default([]) });
type BatchList = z.infer<typeof listSchema>;

export function connectGemini(settings: ConnectionSettings): ProviderClient & Catalog {
  return new GeminiClient(settings);
}

/** The Gemini API's batches. Source: https://ai.google.dev/gemini-api/docs/batch-api */
class GeminiClient implements ProviderClient, Catalog {
  readonly #createTimeoutSeconds: number;
  readonly #providerOptions: object;
  readonly #api: KeyedClient<Api>;

  constructor(settings: ConnectionSettings) {
    this.#createTimeoutSeconds = settings.config.createTimeoutSeconds;
    this.#providerOptions = settings.providerOptions ?? {};
    this.#api = geminiApi(settings);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#page(1, undefined, signal);
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        return { outcome: 'uploaded', providerInputFileId: await this.#store(blob, sending, signal) };
      } catch (error) {
        return uploadFailure(error, 'Uploading to Gemini');
      }
    });
  }

  /** The resumable protocol, in one piece. Source: https://ai.google.dev/api/files#method:-media.upload */
  async #store(blob: Blob, sending: Sending, signal: AbortSignal): Promise<string> {
    const begin = JSON.stringify({ file: { displayName: sending.prefix, mimeType } });
    return await withDeadline(signal, uploadTimeoutSeconds, async (deadline) => {
      const started = await this.#call('/upload/v1beta/files', {
        method: 'POST',
        headers: uploadHeaders(blob.size),
        body: begin,
        signal: deadline,
      });
      const stored = await this.#call(uploadPath(started.headers.get('x-goog-upload-url')), {
        method: 'POST',
        headers: { 'x-goog-upload-command': 'upload, finalize', 'x-goog-upload-offset': '0' },
        body: blob,
        signal: deadline,
      });
      const { file } = uploadedSchema.parse(await stored.json());
      assertStoredAs(file.displayName, sending.prefix);
      return file.name;
    });
  }

  async create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    if (signal.aborted) return stoppedBeforeSending;
    const batch = { displayName: sending.token, inputConfig: { fileName: providerInputFileId } };
    const call = { method: 'POST', body: JSON.stringify({ batch, ...this.#providerOptions }) } as const;
    const path = `/v1beta/models/${encodedModel(sending.model)}:${methodOf(sending)}`;
    return await createOutcome('Gemini', () =>
      withDeadline(signal, this.#createTimeoutSeconds, async (deadline) => {
        const created = createdSchema.safeParse(await (await this.#call(path, { ...call, signal: deadline })).json());
        return { id: created.data?.name };
      }),
    );
  }

  /** Our token as the display name proves that a batch is ours, and so does our input file: both are used once. */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    return await findProven(
      this.#all(signal, maxListPages),
      (batch) => batch.name,
      (batch) => isOurs(batch, lost),
    );
  }

  #all(signal: AbortSignal, maxPages?: number): AsyncGenerator<BatchOperation> {
    return everyPage(
      async (pageToken) => {
        const { operations, nextPageToken } = await this.#page(pageSize, pageToken, signal);
        return { items: operations, next: nextPageToken };
      },
      ({ name }) => name,
      maxPages,
    );
  }

  async #page(size: number, pageToken: string | undefined, signal: AbortSignal): Promise<BatchList> {
    const query = new URLSearchParams({ pageSize: String(size), ...(pageToken !== undefined && { pageToken }) });
    return await this.#read(`/v1beta/batches?${query}`, "Gemini's list of batches", listSchema, signal);
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    return providerBatchFrom(await this.#batch(providerBatchId, signal));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return batchFieldsFrom(await this.#batch(providerBatchId, signal));
  }

  async #batch(id: string, signal: AbortSignal): Promise<BatchOperation> {
    return await this.#read(batchPath(id), `Gemini's batch ${id}`, batchOperationSchema, signal);
  }

  async list(page: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    return await walkedPage(this.#all(signal), batchFieldsFrom, page);
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    try {
      await withDeadline(signal, readTimeoutSeconds, async (deadline) => {
        const call = { method: 'POST', body: '{}', signal: deadline } as const;
        await (await this.#call(`${batchPath(providerBatchId)}:cancel`, call)).text();
      });
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling Gemini's batch ${providerBatchId}`, error);
    }
  }

  async *results(batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (resultRef === inlineRef) {
      yield* this.#inlined(batch.providerBatchId, signal);
      return;
    }
    const what = `Gemini's file ${resultRef}`;
    const path = `/download/v1beta/${encodedName(resultRef)}:download?alt=media`;
    yield* verifiedDownload(await look(what, signal, (deadline) => this.#call(path, { signal: deadline })), what);
  }

  /** The answers that stand in the batch itself, as lines of a file would have them: the key of each in its metadata. */
  async *#inlined(id: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const what = `The answers of Gemini's batch ${id}`;
    const text = await look(what, signal, async (deadline) =>
      (await this.#call(batchPath(id), { signal: deadline })).text(),
    );
    const batch = parsedReply(batchOperationSchema, parseExact(text), what);
    for (const answer of inlinedResponses(batch) ?? []) yield Buffer.from(`${JSON.stringify(lineOf(answer))}\n`);
  }

  async #read<Value>(path: string, what: string, schema: z.ZodType<Value>, signal: AbortSignal): Promise<Value> {
    return await read(what, schema, signal, (deadline) => this.#call(path, { signal: deadline }));
  }

  async #call(path: string, call: ApiCall): Promise<Response> {
    return await this.#api.call((api) => callApi(api, path, call));
  }
}

const mimeType = 'application/jsonl';

function uploadHeaders(bytes: number): Record<string, string> {
  return {
    'x-goog-upload-protocol': 'resumable',
    'x-goog-upload-command': 'start',
    'x-goog-upload-header-content-length': String(bytes),
    'x-goog-upload-header-content-type': mimeType,
  };
}

/** Only its path, as in the SDK: the key goes to our own base URL and nowhere else. */
function uploadPath(url: string | null): string {
  if (url === null || !URL.canParse(url)) throw new Error('Gemini did not say where to upload to.');
  const { pathname, search } = new URL(url);
  return pathname + search;
}

function methodOf(sending: Sending): string {
  return sending.endpoint === '/v1/embeddings' ? 'asyncBatchEmbedContent' : 'batchGenerateContent';
}

function lineOf(answer: unknown): unknown {
  if (!isObject(answer)) return answer;
  const { metadata, ...outcome } = answer;
  return { key: objectOf(metadata)?.key, ...outcome };
}

/** `batches/a1`, or its last part alone. */
function batchPath(id: string): string {
  return `/v1beta/batches/${encodeURIComponent(id.replace(/^batches\//, ''))}`;
}

function isOurs({ metadata }: BatchOperation, { sending, providerInputFileId }: LostCreate): boolean {
  if (metadata.displayName === sending.token) return true;
  return providerInputFileId !== null && metadata.inputConfig?.fileName === providerInputFileId;
}
