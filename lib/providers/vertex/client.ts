import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ConfigOfKind } from '../../core/config.ts';
import { ConfigurationError } from '../../core/errors.ts';
import type { BatchFields } from '../batch-fields.ts';
import { createOutcome, stoppedBeforeSending } from '../create-outcome.ts';
import { withDeadline } from '../deadline.ts';
import { callError, failedCall } from '../failed-call.ts';
import { type Api, type ApiCall, apiFrom, callApi, encodedName, withRetries } from '../google/api.ts';
import { everyTokenPage } from '../google/page.ts';
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
import { withSpooledFile } from '../spooled-file.ts';
import { uploadFailure } from '../upload-failure.ts';
import { verifiedDownload } from '../verified-download.ts';
import { accessTokens } from './access-token.ts';
import {
  batchFieldsFrom,
  outputDirectory,
  type PredictionJob,
  predictionJobSchema,
  providerBatchFrom,
} from './prediction-job.ts';
import { publisherOf } from './publisher.ts';

/** How long a look may take, its retries included. */
const readTimeoutSeconds = 60;

/** 200 MB at 350 kB/s. */
const uploadTimeoutSeconds = 600;

/** How far the provider's clock may be from ours. */
const clockSkewSeconds = 300;

const pageSize = 100;

const createdSchema = z.object({ name: z.string().min(1) });
const jobListSchema = z.object({
  batchPredictionJobs: z.array(predictionJobSchema).default([]),
  nextPageToken: z.string().optional(),
});
const objectListSchema = z.object({
  items: z.array(z.object({ name: z.string() })).default([]),
  nextPageToken: z.string().optional(),
});

export function connectVertex(settings: ConnectionSettings): ProviderClient {
  const { config } = settings;
  if (config.kind !== 'vertex') throw new ConfigurationError(`The account ${settings.name} is not one of Vertex.`);
  return new VertexClient(settings, config);
}

interface Credentials {
  accessToken: () => Promise<string>;
}

/** Vertex's batch prediction jobs, their lines in Cloud Storage. Sources: see limits.ts and prediction-job.ts. */
class VertexClient implements ProviderClient {
  readonly #settings: ConnectionSettings;
  readonly #config: ConfigOfKind<'vertex'>;
  readonly #credentials: KeyedClient<Credentials>;

  constructor(settings: ConnectionSettings, config: ConfigOfKind<'vertex'>) {
    this.#settings = settings;
    this.#config = config;
    this.#credentials = new KeyedClient(settings, (secret) => ({ accessToken: accessTokens(secret) }));
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#jobs(1, undefined, undefined, signal);
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    const name = `${folderOf(sending)}/input.jsonl`;
    const path = `/upload/storage/v1/b/${this.#config.bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`;
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        await withDeadline(signal, uploadTimeoutSeconds, async (deadline) => {
          const headers = { 'content-type': 'application/jsonl' };
          await (await this.#call('storage', path, { method: 'POST', headers, body: blob, signal: deadline })).text();
        });
        return { outcome: 'uploaded', providerInputFileId: this.#uriOf(name) };
      } catch (error) {
        return uploadFailure(error, 'Uploading to Cloud Storage');
      }
    });
  }

  async create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    const publisher = publisherOf(sending.model);
    if (publisher === null || providerInputFileId === null)
      return { outcome: 'refused', code: 'unsupported_model', message: `Vertex has no batches for ${sending.model}.` };
    if (signal.aborted) return stoppedBeforeSending;
    const body = JSON.stringify({
      displayName: sending.prefix,
      model: `publishers/${publisher}/models/${sending.model}`,
      inputConfig: { instancesFormat: 'jsonl', gcsSource: { uris: [providerInputFileId] } },
      outputConfig: {
        predictionsFormat: 'jsonl',
        gcsDestination: { outputUriPrefix: this.#uriOf(`${folderOf(sending)}/output`) },
      },
      labels: { [tokenLabel]: labelOf(sending.token) },
      ...this.#settings.providerOptions,
    });
    return await createOutcome('Vertex', () =>
      withDeadline(signal, this.#config.createTimeoutSeconds, async (deadline) => {
        const created = await this.#call('vertex', this.#jobsPath(), { method: 'POST', body, signal: deadline });
        return { id: createdSchema.safeParse(await created.json()).data?.name };
      }),
    );
  }

  /** Our token in a job's labels proves that it is ours, and so does our input file: both are used once. */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const oldestMs = lost.windowStartMs - clockSkewSeconds * 1000;
    const since = new Date(oldestMs).toISOString();
    for await (const job of this.#everyJob(`create_time>="${since}"`, signal)) {
      if (Date.parse(job.createTime ?? '') < oldestMs) continue;
      if (isOurs(job, lost)) return { finding: 'found', providerBatchId: job.name };
    }
    return { finding: 'none' };
  }

  #everyJob(filter: string | undefined, signal: AbortSignal): AsyncGenerator<PredictionJob> {
    return everyTokenPage(async (pageToken) => {
      const { batchPredictionJobs, nextPageToken } = await this.#jobs(pageSize, filter, pageToken, signal);
      return { items: batchPredictionJobs, nextPageToken };
    });
  }

  async #jobs(size: number, filter: string | undefined, pageToken: string | undefined, signal: AbortSignal) {
    const query = new URLSearchParams({
      pageSize: String(size),
      ...(filter !== undefined && { filter }),
      ...(pageToken !== undefined && { pageToken }),
    });
    const list = await this.#read('vertex', `${this.#jobsPath()}?${query}`, 'The list of jobs', signal);
    return parsed(jobListSchema, list);
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    const job = await this.#job(providerBatchId, signal);
    const directory = outputDirectory(job);
    return providerBatchFrom(job, directory === null ? [] : await this.#predictions(directory, signal));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return batchFieldsFrom(await this.#job(providerBatchId, signal));
  }

  async #job(id: string, signal: AbortSignal): Promise<PredictionJob> {
    return parsed(predictionJobSchema, await this.#read('vertex', this.#jobPath(id), `Vertex's job ${id}`, signal));
  }

  /** The files of predictions in a job's output, which also holds others. */
  async #predictions(directory: string, signal: AbortSignal): Promise<string[]> {
    const { bucket, object } = placeOf(directory, this.#config.bucket);
    const prefix = `${object.replace(/\/+$/, '')}/`;
    const names = everyTokenPage(async (pageToken) => {
      const query = new URLSearchParams({ prefix, ...(pageToken !== undefined && { pageToken }) });
      const list = await this.#read(
        'storage',
        `/storage/v1/b/${bucket}/o?${query}`,
        `The list of ${directory}`,
        signal,
      );
      const { items, nextPageToken } = parsed(objectListSchema, list);
      return { items, nextPageToken };
    });
    const files: string[] = [];
    for await (const { name } of names)
      if (predictionFile.test(name.slice(prefix.length))) files.push(`gs://${bucket}/${name}`);
    return files;
  }

  async list({ after, limit }: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    const batches: BatchFields[] = [];
    let isBehind = after === undefined;
    for await (const job of this.#everyJob(undefined, signal)) {
      if (isBehind && batches.length === limit) return { batches, hasMore: true };
      if (isBehind) batches.push(batchFieldsFrom(job));
      isBehind ||= job.name === after;
    }
    return { batches, hasMore: false };
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    try {
      await withDeadline(signal, readTimeoutSeconds, async (deadline) => {
        const call = { method: 'POST', body: '{}', signal: deadline } as const;
        await (await this.#call('vertex', `${this.#jobPath(providerBatchId)}:cancel`, call)).text();
      });
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling Vertex's job ${providerBatchId}`, error);
    }
  }

  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { bucket, object } = placeOf(resultRef, this.#config.bucket);
    const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(object)}?alt=media`;
    const response = await this.#look(resultRef, signal, (deadline) =>
      this.#call('storage', path, { signal: deadline }),
    );
    yield* verifiedDownload(response, resultRef);
  }

  #jobsPath(): string {
    return `/v1/projects/${this.#config.project}/locations/${this.#config.location}/batchPredictionJobs`;
  }

  /** A job's full name, or the last part of it alone. */
  #jobPath(id: string): string {
    return id.includes('/') ? `/v1/${encodedName(id)}` : `${this.#jobsPath()}/${encodeURIComponent(id)}`;
  }

  #uriOf(object: string): string {
    return `gs://${this.#config.bucket}/${object}`;
  }

  async #read(service: Service, path: string, what: string, signal: AbortSignal): Promise<unknown> {
    return await this.#look(what, signal, async (deadline) =>
      (await this.#call(service, path, { signal: deadline })).json(),
    );
  }

  async #look<Result>(
    what: string,
    signal: AbortSignal,
    call: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withDeadline(signal, readTimeoutSeconds, (deadline) => withRetries(deadline, () => call(deadline)));
    } catch (error) {
      throw callError(what, error);
    }
  }

  async #call(service: Service, path: string, call: ApiCall): Promise<Response> {
    return await this.#credentials.call(async ({ accessToken }) =>
      callApi(this.#api(service, await accessToken()), path, call),
    );
  }

  #api(service: Service, token: string): Api {
    return apiFrom(this.#settings, baseUrlOf(service, this.#config), { authorization: `Bearer ${token}` });
  }
}

type Service = 'vertex' | 'storage';

function baseUrlOf(service: Service, { baseUrl, storageUrl, location }: ConfigOfKind<'vertex'>): string {
  switch (service) {
    case 'vertex':
      return baseUrl ?? `https://${location === 'global' ? '' : `${location}-`}aiplatform.googleapis.com`;
    case 'storage':
      return storageUrl ?? baseUrl ?? 'https://storage.googleapis.com';
  }
}

function folderOf(sending: Sending): string {
  return `batchdrop/${sending.prefix}`;
}

const tokenLabel = 'batchdrop';

/** A label is of a-z, 0-9, _ and -, at most 63 characters; our token may be anything. */
function labelOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 60);
}

// Gemini's are `predictions.jsonl`, Claude's have a number; the errors of a job stand in files of another name.
const predictionFile = /^(?:.*\/)?predictions?[^/]*\.jsonl$/;

/** @returns where a `gs://` URI points; a bare name is one of our own bucket. */
function placeOf(uri: string, ownBucket: string): { bucket: string; object: string } {
  const [, bucket, object] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  return bucket !== undefined && object !== undefined ? { bucket, object } : { bucket: ownBucket, object: uri };
}

function parsed<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw callError('An answer of Vertex', result.error);
}

function isOurs(job: PredictionJob, { sending, providerInputFileId }: LostCreate): boolean {
  if (job.labels?.[tokenLabel] === labelOf(sending.token)) return true;
  return providerInputFileId !== null && (job.inputConfig?.gcsSource?.uris ?? []).includes(providerInputFileId);
}

function hasEndedAlready(error: unknown): boolean {
  const failed = failedCall(error);
  return failed.kind === 'answered' && (failed.status === 400 || failed.status === 409);
}
