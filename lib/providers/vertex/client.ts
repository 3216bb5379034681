import { z } from 'zod';
import { sha256 } from '../../records/digest.ts';
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
import { encodedName } from '../google-family/api.ts';
import { listReply } from '../google-family/list-reply.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { readTimeoutSeconds } from '../shared/http/allowances.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import { callError, hasEndedAlready } from '../shared/http/failed-call.ts';
import { findProven, maxListPages } from '../shared/http/lost-create.ts';
import { withSpooledFile } from '../shared/http/spooled-file.ts';
import { uploadFailure } from '../shared/http/upload-failure.ts';
import { walkedPage } from '../shared/http/walked-page.ts';
import { Bucket } from './bucket.ts';
import { VertexCalls } from './calls.ts';
import {
  batchFieldsFrom,
  outputDirectory,
  type PredictionJob,
  predictionJobSchema,
  providerBatchFrom,
} from './prediction-job.ts';
import { publisherOf } from './publisher.ts';
import type { VertexSettings } from './settings.ts';

const pageSize = 100;

const createdSchema = z.object({ name: z.string().min(1) });
const jobListSchema = listReply({ batchPredictionJobs: z.array(predictionJobSchema).default([]) });
type JobList = z.infer<typeof jobListSchema>;

export function connectVertex(settings: ConnectionSettings<VertexSettings>): ProviderClient & Catalog {
  return new VertexClient(settings);
}

/** Vertex's batch prediction jobs, their lines in Cloud Storage. Sources: see provider.ts and prediction-job.ts. */
class VertexClient implements ProviderClient, Catalog {
  readonly #providerOptions: object;
  readonly #calls: VertexCalls;
  readonly #bucket: Bucket;

  constructor(settings: ConnectionSettings<VertexSettings>) {
    this.#providerOptions = settings.providerOptions ?? {};
    this.#calls = new VertexCalls(settings);
    this.#bucket = new Bucket(this.#calls);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#jobs({ pageSize: '1' }, signal);
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    const object = `${folderOf(sending)}/input.jsonl`;
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        await this.#bucket.upload(object, blob, signal);
        return { outcome: 'uploaded', providerInputFileId: this.#bucket.uriOf(object) };
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
        gcsDestination: { outputUriPrefix: this.#bucket.uriOf(`${folderOf(sending)}/output`) },
      },
      labels: { [tokenLabel]: labelOf(sending.token) },
      ...this.#providerOptions,
    });
    return await createOutcome('Vertex', () =>
      withDeadline(signal, this.#calls.config.createTimeoutSeconds, async (deadline) => {
        const created = await this.#calls.call('vertex', this.#jobsPath, { method: 'POST', body, signal: deadline });
        return { id: createdSchema.safeParse(await created.json()).data?.name };
      }),
    );
  }

  /**
   * Our token in a job's labels proves that it is ours, and so does our input file: both are used once. The list is read
   * unfiltered: a filter by time would go by a clock.
   */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    return await findProven(
      this.#everyJob(signal, maxListPages),
      (job) => job.name,
      (job) => isOurs(job, lost),
    );
  }

  #everyJob(signal: AbortSignal, maxPages?: number): AsyncGenerator<PredictionJob> {
    return everyPage(
      async (pageToken) => {
        const page = { pageSize: String(pageSize), ...(pageToken !== undefined && { pageToken }) };
        const { batchPredictionJobs, nextPageToken } = await this.#jobs(page, signal);
        return { items: batchPredictionJobs, next: nextPageToken };
      },
      ({ name }) => name,
      maxPages,
    );
  }

  async #jobs(query: Record<string, string>, signal: AbortSignal): Promise<JobList> {
    const path = `${this.#jobsPath}?${new URLSearchParams(query)}`;
    return await this.#calls.read('vertex', path, "Vertex's list of jobs", jobListSchema, signal);
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    const job = await this.#job(providerBatchId, signal);
    const directory = outputDirectory(job);
    return providerBatchFrom(job, directory === null ? null : await this.#bucket.predictions(directory, signal));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return batchFieldsFrom(await this.#job(providerBatchId, signal));
  }

  async #job(id: string, signal: AbortSignal): Promise<PredictionJob> {
    return await this.#calls.read('vertex', this.#jobPath(id), `Vertex's job ${id}`, predictionJobSchema, signal);
  }

  async list(page: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    return await walkedPage(this.#everyJob(signal), batchFieldsFrom, page);
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    const path = `${this.#jobPath(providerBatchId)}:cancel`;
    try {
      await withDeadline(signal, readTimeoutSeconds, async (deadline) => {
        await (await this.#calls.call('vertex', path, { method: 'POST', body: '{}', signal: deadline })).text();
      });
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling Vertex's job ${providerBatchId}`, error);
    }
  }

  results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#bucket.download(resultRef, signal);
  }

  get #jobsPath(): string {
    return `${this.#calls.parent}/batchPredictionJobs`;
  }

  /** A job's full name, or the last part of it alone. */
  #jobPath(id: string): string {
    return id.includes('/') ? `/v1/${encodedName(id)}` : `${this.#jobsPath}/${encodeURIComponent(id)}`;
  }
}

function folderOf(sending: Sending): string {
  return `batchdrop/${sending.prefix}`;
}

const tokenLabel = 'batchdrop';

/** A label is of a-z, 0-9, _ and -, at most 63 characters; our token may be anything. */
function labelOf(token: string): string {
  return sha256(token).slice(0, 60);
}

function isOurs(job: PredictionJob, { sending, providerInputFileId }: LostCreate): boolean {
  if (job.labels?.[tokenLabel] === labelOf(sending.token)) return true;
  return providerInputFileId !== null && (job.inputConfig?.gcsSource?.uris ?? []).includes(providerInputFileId);
}
