import { createHash, randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { z } from 'zod';
import { splitLines } from '../lines/jsonl.ts';
import { parseRequestLine } from '../lines/request-line.ts';
import type { Catalog, ConnectionSettings, ProviderClient, Sending } from '../providers/contract.ts';
import { createOutcome } from '../providers/shared/http/create-outcome.ts';
import { withDeadline } from '../providers/shared/http/deadline.ts';
import { callError } from '../providers/shared/http/failed-call.ts';
import { KeyedClient } from '../providers/shared/http/keyed-client.ts';
import { withSpooledFile } from '../providers/shared/http/spooled-file.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { recommendedPartBytes } from '../records/upload.ts';
import type { Batch, CreatedBatch } from './batch.ts';
import { createdBatch } from './created-batch.ts';
import { emptyInput, invalidLines } from './line-preparation.ts';
import { usualEndpoint } from './request-source.ts';
import type { Submission } from './submission.ts';

const filename = 'requests.jsonl';

const mimeType = 'application/jsonl';

/** One part of 4 MiB at 70 kB/s. */
const partTimeoutSeconds = 60;

const direct = { customIds: null, keepsMetadata: true, listsInputFile: true, mixesModels: true } as const;

const fileSchema = z.object({ id: z.string().min(1) });

/** Creates a batch at a Batchdrop deployment, which validates, routes and splits it by itself. */
export class DeploymentCreate {
  readonly #client: ProviderClient & Catalog;
  readonly #settings: ConnectionSettings;
  readonly #routedTo: string | undefined;
  readonly #sdk: KeyedClient<OpenAI>;

  constructor(client: ProviderClient & Catalog, settings: ConnectionSettings, routedTo: string | undefined) {
    this.#client = client;
    this.#settings = settings;
    this.#routedTo = routedTo;
    this.#sdk = new KeyedClient(settings, (apiKey) => newSdkClient(settings, apiKey));
  }

  /** The requests go as they are. They are gathered on disk first, since a length must be said before the bytes. */
  async create(submission: Submission): Promise<CreatedBatch> {
    const md5 = createHash('md5');
    const input = hashed(submission.input, md5);
    return await withSpooledFile(input, submission.signal, async (blob) => {
      if (blob.size === 0) throw emptyInput();
      const endpoint = submission.endpoint ?? (await endpointOf(blob));
      const inputFileId = await this.#upload(blob, md5.digest('hex'), submission.signal);
      submission.signal.throwIfAborted();
      return { ...(await this.#createOnce(submission, endpoint, inputFileId)), warnings: [], warningCount: 0 };
    });
  }

  async #upload(blob: Blob, md5: string, signal: AbortSignal): Promise<string> {
    try {
      if (blob.size > recommendedPartBytes) return await this.#uploadInParts(blob, md5, signal);
      const file = new File([blob], filename, { type: mimeType });
      const stored = await this.#call(signal, (sdk, options) => sdk.files.create({ file, purpose: 'batch' }, options));
      return fileSchema.parse(stored).id;
    } catch (error) {
      if (signal.aborted) throw error;
      throw callError('Uploading to the deployment', error);
    }
  }

  async #uploadInParts(blob: Blob, md5: string, signal: AbortSignal): Promise<string> {
    const upload = await this.#call(signal, (sdk, options) =>
      sdk.uploads.create({ bytes: blob.size, filename, mime_type: mimeType, purpose: 'batch' }, options),
    );
    const partIds: string[] = [];
    for (let start = 0; start < blob.size; start += recommendedPartBytes) {
      const data = new File([blob.slice(start, start + recommendedPartBytes)], filename);
      const part = await this.#call(signal, (sdk, options) => sdk.uploads.parts.create(upload.id, { data }, options));
      partIds.push(part.id);
    }
    const completed = await this.#call(signal, (sdk, options) =>
      sdk.uploads.complete(upload.id, { part_ids: partIds, md5 }, options),
    );
    return fileSchema.parse(completed.file).id;
  }

  async #call<Result>(
    signal: AbortSignal,
    call: (sdk: OpenAI, options: { signal: AbortSignal }) => Promise<Result>,
  ): Promise<Result> {
    return await withDeadline(signal, partTimeoutSeconds, (deadline) =>
      this.#sdk.call((sdk) => call(sdk, { signal: deadline })),
    );
  }

  async #createOnce(submission: Submission, endpoint: Endpoint, inputFileId: string): Promise<Batch> {
    const startedAtMs = Date.now();
    const { createTimeoutSeconds, settleSeconds } = this.#settings.config;
    const body = this.#body(submission, endpoint, inputFileId);
    const outcome = await createOutcome('The deployment', () =>
      withDeadline(new AbortController().signal, createTimeoutSeconds, (signal) =>
        this.#sdk.call((sdk) => sdk.post('/batches', { body, maxRetries: 0, signal })),
      ),
    );
    const sending = sendingOf(submission, endpoint);
    const attempt = {
      client: this.#client,
      direct,
      sending,
      endpoint,
      providerInputFileId: inputFileId,
      startedAtMs,
      settleSeconds,
    };
    return await createdBatch(attempt, outcome);
  }

  #body({ metadata, strict }: Submission, endpoint: Endpoint, inputFileId: string): object {
    return {
      input_file_id: inputFileId,
      endpoint,
      completion_window: '24h',
      ...(metadata && { metadata }),
      ...(strict && { strict }),
      ...(this.#routedTo !== undefined && { provider: this.#routedTo }),
      ...this.#settings.providerOptions,
    };
  }
}

function newSdkClient(settings: ConnectionSettings, apiKey: string): OpenAI {
  const { baseUrl } = settings.config;
  return new OpenAI({
    organization: null,
    project: null,
    logLevel: 'off',
    ...settings.clientOptions,
    ...(baseUrl !== undefined && { baseURL: baseUrl }),
    apiKey,
  });
}

/** What the first request is for. */
async function endpointOf(blob: Blob): Promise<Endpoint> {
  for await (const [line] of splitLines(blob.stream())) {
    if (!line) continue;
    const parsed = parseRequestLine(line, undefined);
    if (parsed.ok) return parsed.request.endpoint;
    const [first] = parsed.errors;
    if (first) throw invalidLines(first, parsed.errors, parsed.errors.length);
  }
  return usualEndpoint;
}

/** What the lookup of a lost creation needs to know; the lines themselves are in the file. */
function sendingOf({ metadata }: Submission, endpoint: Endpoint): Sending {
  const token = randomUUID();
  return {
    batchId: null,
    prefix: token,
    token,
    endpoint,
    model: '',
    lineCount: 0,
    lines: noLines,
    metadata: metadata ?? {},
  };
}

async function* noLines(): AsyncGenerator<Buffer> {}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}
