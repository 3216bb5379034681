import { batchJobsCancel } from '@mistralai/mistralai/funcs/batchJobsCancel.js';
import { batchJobsCreate } from '@mistralai/mistralai/funcs/batchJobsCreate.js';
import { batchJobsGet } from '@mistralai/mistralai/funcs/batchJobsGet.js';
import { batchJobsList } from '@mistralai/mistralai/funcs/batchJobsList.js';
import { filesDownload } from '@mistralai/mistralai/funcs/filesDownload.js';
import type { RequestOptions } from '@mistralai/mistralai/lib/sdks.js';
import { z } from 'zod';
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
import type { BatchFields } from '../shared/batch-fields.ts';
import { readTimeoutSeconds, uploadTimeoutSeconds } from '../shared/http/allowances.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage, UnendingListError } from '../shared/http/every-page.ts';
import { callError, hasEndedAlready } from '../shared/http/failed-call.ts';
import type { KeyedClient } from '../shared/http/keyed-client.ts';
import { findProven, maxListPages } from '../shared/http/lost-create.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { withSpooledFile } from '../shared/http/spooled-file.ts';
import { storedFileId } from '../shared/http/stored-file.ts';
import { uploadFailure } from '../shared/http/upload-failure.ts';
import { uploadForm } from '../shared/http/upload-form.ts';
import { verifiedDownload } from '../shared/http/verified-download.ts';
import { walkedPage } from '../shared/http/walked-page.ts';
import { accountOf, type MistralAccount } from './account.ts';
import { batchFieldsFrom, type Job, jobSchema, providerBatchFrom } from './job.ts';
import { mistralEndpoints } from './request.ts';
import { replyOf, unwrapped } from './sdk-reply.ts';
import type { MistralSettings } from './settings.ts';

const pageSize = 100;

/** Looks are repeated over a short trouble. The SDK sleeps as long as a Retry-After says, up to the longest interval. */
const repeated: RequestOptions = {
  retries: {
    strategy: 'backoff',
    backoff: { initialInterval: 300, maxInterval: 2_000, exponent: 2, maxElapsedTime: 1_500 },
    retryConnectionErrors: true,
  },
  retryCodes: ['500', '502', '503', '504'],
};

const once: RequestOptions = { retries: { strategy: 'none' } };

const listSchema = z.object({ data: z.array(z.unknown()).default([]), total: z.number().int().nonnegative() });

export function connectMistral(settings: ConnectionSettings<MistralSettings>): ProviderClient & Catalog {
  return new MistralClient(settings);
}

/** Mistral's batch jobs. Source: https://docs.mistral.ai/api/#tag/batch */
class MistralClient implements ProviderClient, Catalog {
  readonly #createTimeoutSeconds: number;
  readonly #timeoutHours: number;
  readonly #account: KeyedClient<MistralAccount>;

  constructor(settings: ConnectionSettings<MistralSettings>) {
    const { config } = settings;
    this.#createTimeoutSeconds = config.createTimeoutSeconds;
    this.#timeoutHours = config.timeoutHours;
    this.#account = accountOf(settings);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#page(0, 1, signal);
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    return await withSpooledFile(sending.lines('\n'), signal, async (blob) => {
      try {
        return { outcome: 'uploaded', providerInputFileId: await this.#store(blob, `${sending.prefix}.jsonl`, signal) };
      } catch (error) {
        return uploadFailure(error, 'Uploading to Mistral');
      }
    });
  }

  async #store(blob: Blob, fileName: string, signal: AbortSignal): Promise<string> {
    const form = uploadForm({ purpose: 'batch' }, blob, fileName);
    return await withDeadline(signal, uploadTimeoutSeconds, (deadline) =>
      this.#account.call(async ({ post }) => {
        const response = await post('v1/files', form, deadline);
        return storedFileId(await response.json(), fileName);
      }),
    );
  }

  async create(sending: Sending, providerInputFileId: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    const endpoint = mistralEndpoints.find((known) => known === sending.endpoint);
    if (!endpoint || providerInputFileId === null)
      return { outcome: 'refused', code: 'missing_input_file', message: 'Mistral takes its lines as a file only.' };
    if (signal.aborted) return stoppedBeforeSending;
    const job = {
      inputFiles: [providerInputFileId],
      endpoint,
      model: sending.model,
      metadata: sending.metadata,
      timeoutHours: this.#timeoutHours,
    };
    // A repeated create is a second job, paid for a second time.
    return await createOutcome('Mistral', () =>
      withDeadline(signal, this.#createTimeoutSeconds, (deadline) =>
        this.#account.call(({ core }) => replyOf(batchJobsCreate(core, job, { ...once, signal: deadline }))),
      ),
    );
  }

  /**
   * Our token in a job's metadata proves that it is ours, and so does our input file: both are used once. The list is read
   * unfiltered, since a filter that is understood otherwise would hide a job that is paid for.
   */
  async findLost(lost: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    return await findProven(
      this.#newestFirst(signal, maxListPages),
      (job) => job.id,
      (job) => isOurs(job, lost),
    );
  }

  /** Pages have numbers, and the list says how many jobs there are: what of them is missing may still be there. */
  async *#newestFirst(signal: AbortSignal, maxPages?: number): AsyncGenerator<Job> {
    let listed = 0;
    let last = 0;
    const fetchPage = async (position = '0') => {
      const { jobs, total } = await this.#page(Number(position), pageSize, signal);
      last = total;
      const isLast = jobs.length === 0 || listed + jobs.length >= total;
      return { items: jobs, next: isLast ? null : String(Number(position) + 1) };
    };
    for await (const job of everyPage(fetchPage, ({ id }) => id, maxPages)) {
      listed += 1;
      yield job;
    }
    if (listed < last) throw new UnendingListError(`Mistral's list of jobs ends after ${listed} of ${last}.`);
  }

  async #page(page: number, size: number, signal: AbortSignal): Promise<{ jobs: Job[]; total: number }> {
    const what = "Mistral's list of jobs";
    const reply = await this.#read(what, signal, ({ core }, options) =>
      replyOf(batchJobsList(core, { page, pageSize: size, orderBy: '-created' }, options)),
    );
    const { data, total } = parsedReply(listSchema, reply, what);
    return { jobs: data.map((job) => parsedReply(jobSchema, job, what)), total };
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    return providerBatchFrom(await this.#job(providerBatchId, signal));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return batchFieldsFrom(await this.#job(providerBatchId, signal));
  }

  async #job(jobId: string, signal: AbortSignal): Promise<Job> {
    const what = `Mistral's job ${jobId}`;
    const reply = await this.#read(what, signal, ({ core }, options) =>
      replyOf(batchJobsGet(core, { jobId }, options)),
    );
    return parsedReply(jobSchema, reply, what);
  }

  /** Mistral pages by number: what stands behind a job shows by walking to it. */
  async list(page: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    return await walkedPage(this.#newestFirst(signal), batchFieldsFrom, page);
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    try {
      await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#account.call(({ core }) =>
          replyOf(batchJobsCancel(core, { jobId: providerBatchId }, { ...once, signal: deadline })),
        ),
      );
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling Mistral's job ${providerBatchId}`, error);
    }
  }

  async *results(_batch: ProviderBatch, resultRef: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const what = `Mistral's file ${resultRef}`;
    const response = await this.#read(what, signal, async ({ core }, options) => {
      const [result, call] = await filesDownload(core, { fileId: resultRef }, options).$inspect();
      const headers = 'response' in call ? call.response?.headers : undefined;
      // The SDK lets go of its request, and with it of the signal, once the answer has begun.
      const body = unwrapped(result).pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
      return new Response(body, headers && { headers });
    });
    yield* verifiedDownload(response, what);
  }

  async #read<Result>(
    what: string,
    signal: AbortSignal,
    call: (account: MistralAccount, options: RequestOptions) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withDeadline(signal, readTimeoutSeconds, (deadline) =>
        this.#account.call((account) => call(account, { ...repeated, signal: deadline })),
      );
    } catch (error) {
      throw callError(what, error);
    }
  }
}

function isOurs(job: Job, lost: LostCreate): boolean {
  if (Object.values(job.metadata ?? {}).includes(lost.sending.token)) return true;
  return lost.providerInputFileId !== null && job.inputFiles.includes(lost.providerInputFileId);
}
