import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { NotFoundError, TransientError } from '../../records/errors.ts';
import { hasEnded } from '../../records/openai-batch.ts';
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
import { encodedName, look, read } from '../google-family/api.ts';
import { listReply } from '../google-family/list-reply.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { readTimeoutSeconds, uploadTimeoutSeconds } from '../shared/http/allowances.ts';
import type { ApiCall, ApiCaller } from '../shared/http/bearer-api.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import { callError, failedCall, hasEndedAlready } from '../shared/http/failed-call.ts';
import type { KeyedClient } from '../shared/http/keyed-client.ts';
import { findProven, maxListPages } from '../shared/http/lost-create.ts';
import { withSpooledFile } from '../shared/http/spooled-file.ts';
import { uploadFailure } from '../shared/http/upload-failure.ts';
import { uploadForm } from '../shared/http/upload-form.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import { walkedPage } from '../shared/http/walked-page.ts';
import { fetchSigned, fireworksApi } from './api.ts';
import { batchFieldsFrom, deletedBatch, deletedJob, type Job, jobSchema, phaseOf, providerBatchFrom } from './job.ts';
import { deletionMarkId, idIn, inputDatasetId, jobIdOf, outputDatasetId } from './names.ts';
import type { FireworksSettings } from './settings.ts';

/** "Values above 200 will be coerced to 200." Source: fireworks-ai 1.0 `BatchInferenceJobListParams`. */
const pageSize = 200;

/** The pause between two looks at a dataset that is read in; it doubles up to the longest. */
const firstPauseMs = 20;
const longestPauseMs = 2_000;

const datasetSchema = z.object({
  state: z.string(),
  createTime: z.string().nullish().catch(null),
  exampleCount: z.coerce.number().int().nonnegative().catch(0),
});
type Dataset = z.infer<typeof datasetSchema>;

const createdSchema = z.object({ name: z.string().min(1) });
const filesSchema = z.object({ filenameToSignedUrls: z.record(z.string(), z.string()).default({}) });
const listSchema = listReply({ batchInferenceJobs: z.array(jobSchema).default([]) });

export function connectFireworks(settings: ConnectionSettings<FireworksSettings>): ProviderClient & Catalog {
  return new FireworksClient(settings);
}

/** Batch inference jobs over datasets. Source: https://docs.fireworks.ai/guides/batch-inference, read 2026-11; unconfirmed. */
class FireworksClient implements ProviderClient, Catalog {
  readonly #settings: ConnectionSettings<FireworksSettings>;
  readonly #parent: string;
  readonly #api: KeyedClient<ApiCaller>;

  constructor(settings: ConnectionSettings<FireworksSettings>) {
    this.#settings = settings;
    this.#parent = `accounts/${settings.config.accountId}`;
    this.#api = fireworksApi(settings);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#page({ pageSize: '1' }, signal);
  }

  /** A dataset is made, filled and waited for. Where that was done before, it stays. */
  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    const datasetId = inputDatasetId(jobIdOf(sending));
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        await withDeadline(signal, uploadTimeoutSeconds, async (deadline) => {
          await this.#makeDataset(datasetId, sending.lineCount, deadline);
          await this.#fillDataset(datasetId, blob, deadline);
        });
        return { outcome: 'uploaded', providerInputFileId: this.#datasetName(datasetId) };
      } catch (error) {
        return uploadFailure(error, 'Uploading to Fireworks');
      }
    });
  }

  async #makeDataset(datasetId: string, exampleCount: number, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify({ datasetId, dataset: { userUploaded: {}, exampleCount: String(exampleCount) } });
    try {
      await (await this.#call(`/v1/${this.#parent}/datasets`, { method: 'POST', body, signal })).text();
    } catch (error) {
      if (!isThereAlready(error)) throw error;
    }
  }

  async #fillDataset(datasetId: string, blob: Blob, signal: AbortSignal): Promise<void> {
    if ((await this.#datasetState(datasetId, signal)) === 'READY') return;
    const { body, contentType } = uploadForm({}, blob, `${datasetId}.jsonl`);
    const path = `${this.#datasetPath(datasetId)}:upload`;
    await (await this.#call(path, { method: 'POST', body, contentType, signal })).text();
    for (let pauseMs = firstPauseMs; (await this.#datasetState(datasetId, signal)) !== 'READY'; pauseMs *= 2)
      await sleep(Math.min(pauseMs, longestPauseMs), undefined, { signal });
  }

  async #datasetState(datasetId: string, signal: AbortSignal): Promise<string> {
    const reply: unknown = await (await this.#call(this.#datasetPath(datasetId), { signal })).json();
    return datasetSchema.parse(reply).state;
  }

  async create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    if (providerInputFileId === null)
      return {
        outcome: 'refused',
        code: 'missing_input_file',
        message: 'Fireworks takes its lines as a dataset only.',
      };
    if (signal.aborted) return stoppedBeforeSending;
    const jobId = jobIdOf(sending);
    const body = JSON.stringify({
      displayName: sending.prefix,
      model: sending.model,
      inputDatasetId: providerInputFileId,
      outputDatasetId: this.#datasetName(outputDatasetId(jobId)),
      ...this.#settings.providerOptions,
    });
    const path = `${this.#jobsPath}?${new URLSearchParams({ batchInferenceJobId: jobId })}`;
    return await createOutcome('Fireworks', () =>
      withDeadline(signal, this.#settings.config.createTimeoutSeconds, async (deadline) => {
        const created = await this.#call(path, { method: 'POST', body, signal: deadline });
        return { id: createdSchema.safeParse(await created.json()).data?.name };
      }),
    );
  }

  /** A job's name is made of our token, so the one that has it is ours for certain. */
  async findLost({ sending }: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const jobId = jobIdOf(sending);
    return await findProven(
      this.#newestFirst(signal, maxListPages),
      (job) => job.name,
      (job) => idIn(job.name) === jobId,
    );
  }

  #newestFirst(signal: AbortSignal, maxPages?: number): AsyncGenerator<Job> {
    return everyPage(
      async (pageToken) => {
        const order = { pageSize: String(pageSize), orderBy: 'create_time desc' };
        const { batchInferenceJobs, nextPageToken } = await this.#page(
          { ...order, ...(pageToken !== undefined && { pageToken }) },
          signal,
        );
        return { items: batchInferenceJobs, next: nextPageToken };
      },
      ({ name }) => name,
      maxPages,
    );
  }

  async #page(query: Record<string, string>, signal: AbortSignal): Promise<z.infer<typeof listSchema>> {
    return await this.#read(
      `${this.#jobsPath}?${new URLSearchParams(query)}`,
      "Fireworks' list of jobs",
      listSchema,
      signal,
    );
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    try {
      const job = await this.#job(providerBatchId, signal);
      const outputId = hasEnded(phaseOf(job)) && job.outputDatasetId ? idIn(job.outputDatasetId) : null;
      return providerBatchFrom(job, outputId === null ? [] : await this.#resultRefs(outputId, signal));
    } catch (error) {
      if (!(error instanceof NotFoundError && (await this.#deletionMark(providerBatchId, signal)))) throw error;
      return deletedBatch(providerBatchId, await this.#resultRefs(outputDatasetId(idIn(providerBatchId)), signal));
    }
  }

  /** The dataset by which we know that we have asked for a job to be deleted, which is all that stops it. */
  async #deletionMark(providerBatchId: string, signal: AbortSignal): Promise<Dataset | null> {
    const markId = deletionMarkId(idIn(providerBatchId));
    return await orNone(this.#read(this.#datasetPath(markId), 'A dataset', datasetSchema, signal));
  }

  /** The files of a dataset; none where there is no such dataset. */
  async #resultRefs(datasetId: string, signal: AbortSignal): Promise<string[]> {
    const files = await orNone(this.#filesOf(datasetId, signal));
    return Object.keys(files ?? {}).map((fileName) => `${datasetId}#${fileName}`);
  }

  /** By name; their URLs hold for some ten minutes only. */
  async #filesOf(datasetId: string, signal: AbortSignal): Promise<Record<string, string>> {
    const path = `${this.#datasetPath(datasetId)}:getDownloadEndpoint`;
    return (await this.#read(path, `Fireworks' dataset ${datasetId}`, filesSchema, signal)).filenameToSignedUrls;
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    try {
      return batchFieldsFrom(await this.#job(providerBatchId, signal));
    } catch (error) {
      const mark = error instanceof NotFoundError ? await this.#deletionMark(providerBatchId, signal) : null;
      if (!mark) throw error;
      return batchFieldsFrom(deletedJob(providerBatchId, mark));
    }
  }

  async #job(id: string, signal: AbortSignal): Promise<Job> {
    return await this.#read(this.#jobPath(id), `Fireworks' job ${id}`, jobSchema, signal);
  }

  async list(page: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    return await walkedPage(this.#newestFirst(signal), batchFieldsFrom, page);
  }

  /** There is no cancellation: a job that runs is deleted, and a mark says that it was. One that has ended stays. */
  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    const job = await this.#runningJob(providerBatchId, signal);
    if (!job) return;
    const requests = job.jobProgress?.totalInputRequests ?? 0;
    try {
      await withDeadline(signal, readTimeoutSeconds, async (deadline) => {
        await this.#makeDataset(deletionMarkId(idIn(providerBatchId)), Math.max(1, requests), deadline);
        await (await this.#call(this.#jobPath(providerBatchId), { method: 'DELETE', signal: deadline })).text();
      });
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Deleting Fireworks' job ${providerBatchId}`, error);
    }
  }

  /**
   * @returns null for a job that runs no more, or that we have deleted already.
   * @throws NotFoundError for a job that is not there and that we have not deleted ourselves.
   */
  async #runningJob(providerBatchId: string, signal: AbortSignal): Promise<Job | null> {
    try {
      const job = await this.#job(providerBatchId, signal);
      const phase = phaseOf(job);
      return hasEnded(phase) || phase === 'cancelling' ? null : job;
    } catch (error) {
      if (error instanceof NotFoundError && (await this.#deletionMark(providerBatchId, signal))) return null;
      throw error;
    }
  }

  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const [datasetId = '', ...rest] = resultRef.split('#');
    const what = `Fireworks' file ${resultRef}`;
    const url = (await this.#filesOf(datasetId, signal))[rest.join('#')];
    if (url === undefined) throw new TransientError(`${what} is not in its dataset.`);
    yield* verifiedDownload(await look(what, signal, (deadline) => fetchSigned(this.#settings, url, deadline)), what);
  }

  async #read<Value>(path: string, what: string, schema: z.ZodType<Value>, signal: AbortSignal): Promise<Value> {
    return await read(what, schema, signal, (deadline) => this.#call(path, { signal: deadline }));
  }

  async #call(path: string, call: ApiCall): Promise<Response> {
    return await this.#api.call((send) => send(path, call));
  }

  get #jobsPath(): string {
    return `/v1/${this.#parent}/batchInferenceJobs`;
  }

  /** A job's full name, or the last part of it alone. */
  #jobPath(id: string): string {
    return `${this.#jobsPath}/${encodedName(idIn(id))}`;
  }

  #datasetPath(datasetId: string): string {
    return `/v1/${this.#datasetName(encodeURIComponent(datasetId))}`;
  }

  #datasetName(datasetId: string): string {
    return `${this.#parent}/datasets/${datasetId}`;
  }
}

function isThereAlready(error: unknown): boolean {
  const failed = failedCall(error);
  return failed.kind === 'answered' && failed.status === 409;
}

async function orNone<Value>(found: Promise<Value>): Promise<Value | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}
