import {
  BedrockClient,
  CreateModelInvocationJobCommand,
  GetModelInvocationJobCommand,
  ListModelInvocationJobsCommand,
  type ListModelInvocationJobsCommandInput,
  StopModelInvocationJobCommand,
} from '@aws-sdk/client-bedrock';
import { z } from 'zod';
import { ConfigurationError } from '../../records/errors.ts';
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
  Workplace,
} from '../contract.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { readTimeoutSeconds } from '../shared/http/allowances.ts';
import { createOutcome, stoppedBeforeSending } from '../shared/http/create-outcome.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { everyPage } from '../shared/http/every-page.ts';
import { callError, hasEndedAlready } from '../shared/http/failed-call.ts';
import { findProven, maxListPages } from '../shared/http/lost-create.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { settledOrAborted } from '../shared/http/settled-or-aborted.ts';
import { walkedPage } from '../shared/http/walked-page.ts';
import { batchFieldsFrom, type Job, jobSchema, providerBatchFrom } from './job.ts';
import { familyOf } from './model-family.ts';
import { inputKey, inputUri, objectAt, outputUri } from './places.ts';
import { explainedCall } from './service-answer.ts';
import type { BedrockSettings } from './settings.ts';

const jobsPerPage = 100;

/** The SDK takes whatever it is given for a list; one without its summaries is none. */
const listSchema = z.object({ invocationJobSummaries: z.array(z.unknown()), nextToken: z.string().optional() });

/** @throws ConfigurationError where there is no bucket. */
export function connectBedrock(settings: ConnectionSettings<BedrockSettings>): ProviderClient & Catalog {
  const { workplace, name } = settings;
  if (!workplace) throw new ConfigurationError(`Provider ${name} needs a bucket: it works in a deployment only.`);
  return new BedrockJobs(settings, workplace);
}

/** Source: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html, read 2026-11. */
class BedrockJobs implements ProviderClient, Catalog {
  readonly #name: string;
  readonly #terms: BedrockSettings;
  readonly #roleArn: string | null;
  readonly #objects: Workplace['objects'];
  readonly #reader: BedrockClient;
  /** A repeated create is no second job, thanks to its token; but what is unknown is looked up in one place only. */
  readonly #creator: BedrockClient;

  constructor(
    { name, config: terms, clientOptions = {} }: ConnectionSettings<BedrockSettings>,
    { objects, roleArn }: Workplace,
  ) {
    const options = {
      ...clientOptions,
      ...(terms.region !== undefined && { region: terms.region }),
      ...(terms.baseUrl !== undefined && { endpoint: terms.baseUrl }),
    };
    this.#name = name;
    this.#terms = terms;
    this.#roleArn = terms.roleArn ?? roleArn;
    this.#objects = objects;
    this.#reader = new BedrockClient({ ...options, maxAttempts: 3 });
    this.#creator = new BedrockClient({ ...options, maxAttempts: 1 });
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#page({ maxResults: 1 }, signal);
  }

  async upload(sending: Sending, signal: AbortSignal): Promise<UploadOutcome> {
    if (this.#roleArn === null)
      throw new ConfigurationError(`Provider ${this.#name} has no role for Bedrock. Deploy again, or name a roleArn.`);
    if (sending.batchId === null) throw new ConfigurationError('Bedrock takes the lines of a batch of ours only.');
    const key = inputKey(sending.batchId, sending.prefix);
    await this.#objects.write(key, untilStopped(sending.lines('\n'), signal));
    return { outcome: 'uploaded', providerInputFileId: inputUri(this.#objects.bucket, key) };
  }

  async create(sending: Sending, input: string | null, signal: AbortSignal): Promise<CreateOutcome> {
    if (signal.aborted) return stoppedBeforeSending;
    const command = new CreateModelInvocationJobCommand(this.#jobOf(sending, input ?? ''));
    return await createOutcome('Bedrock', () =>
      this.#explained(
        withDeadline(signal, this.#terms.createTimeoutSeconds, async (abortSignal) => {
          const { jobArn } = await settledOrAborted(this.#creator.send(command, { abortSignal }), abortSignal);
          return { id: jobArn };
        }),
      ),
    );
  }

  #jobOf(sending: Sending, input: string) {
    const { timeoutHours } = this.#terms;
    const modelInvocationType = familyOf(sending.model)?.invocation;
    return {
      jobName: sending.prefix,
      clientRequestToken: sending.token,
      roleArn: this.#roleArn ?? '',
      modelId: sending.model,
      ...(modelInvocationType && { modelInvocationType }),
      inputDataConfig: { s3InputDataConfig: { s3InputFormat: 'JSONL' as const, s3Uri: input } },
      outputDataConfig: { s3OutputDataConfig: { s3Uri: outputUri(input) } },
      ...(timeoutHours !== undefined && { timeoutDurationInHours: timeoutHours }),
    };
  }

  /** The list shows a job's token, which proves that it is ours; a job of our name that shows none may be. */
  async findLost({ sending }: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    return await findProven(
      this.#newestFirst({ nameContains: sending.prefix }, signal, maxListPages),
      (job) => job.jobArn,
      (job) => job.clientRequestToken === sending.token,
      (job) => job.jobName === sending.prefix && !job.clientRequestToken,
    );
  }

  #newestFirst(filter: { nameContains?: string }, signal: AbortSignal, maxPages?: number): AsyncGenerator<Job> {
    return everyPage(
      async (nextToken) => {
        const order = { maxResults: jobsPerPage, sortBy: 'CreationTime', sortOrder: 'Descending' } as const;
        const page = await this.#page({ ...filter, ...order, nextToken }, signal);
        return { items: page.invocationJobSummaries.map(parsed), next: page.nextToken };
      },
      ({ jobArn }) => jobArn,
      maxPages,
    );
  }

  async #page(input: ListModelInvocationJobsCommandInput, signal: AbortSignal): Promise<z.infer<typeof listSchema>> {
    const what = "Bedrock's list of jobs";
    const command = new ListModelInvocationJobsCommand(input);
    const page = await this.#call(signal, what, (abortSignal) => this.#reader.send(command, { abortSignal }));
    return parsedReply(listSchema, page, what);
  }

  async retrieve(providerBatchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    return providerBatchFrom(await this.#get(providerBatchId, signal));
  }

  async describe(providerBatchId: string, signal: AbortSignal): Promise<BatchFields> {
    return batchFieldsFrom(await this.#get(providerBatchId, signal));
  }

  async list(page: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    return await walkedPage(this.#newestFirst({}, signal), batchFieldsFrom, page);
  }

  async cancel(providerBatchId: string, signal: AbortSignal): Promise<void> {
    const command = new StopModelInvocationJobCommand({ jobIdentifier: providerBatchId });
    try {
      await this.#explained(
        withDeadline(signal, readTimeoutSeconds, (abortSignal) =>
          settledOrAborted(this.#reader.send(command, { abortSignal }), abortSignal),
        ),
      );
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Stopping Bedrock's job ${providerBatchId}`, error);
    }
  }

  results(_batch: ProviderBatch, resultRef: string): AsyncIterable<Uint8Array> {
    return this.#objects.stream(objectAt(resultRef));
  }

  async #get(providerBatchId: string, signal: AbortSignal): Promise<Job> {
    const job = await this.#call(signal, `Bedrock's job ${providerBatchId}`, (abortSignal) =>
      this.#reader.send(new GetModelInvocationJobCommand({ jobIdentifier: providerBatchId }), { abortSignal }),
    );
    return parsed(job);
  }

  async #call<Result>(
    signal: AbortSignal,
    what: string,
    call: (abortSignal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#explained(
        withDeadline(signal, readTimeoutSeconds, (abortSignal) => settledOrAborted(call(abortSignal), abortSignal)),
      );
    } catch (error) {
      throw callError(what, error);
    }
  }

  /** @throws ProviderAuthenticationError where our role may not. */
  async #explained<Result>(call: Promise<Result>): Promise<Result> {
    const needed = `bedrock:CreateModelInvocationJob, Get-, List- and Stop-, iam:PassRole for ${this.#roleArn ?? 'its role'}, and access to the model`;
    return await explainedCall(this.#name, needed, call);
  }
}

async function* untilStopped(pieces: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    yield piece;
  }
}

function parsed(job: unknown): Job {
  return parsedReply(jobSchema, job, 'A job of Bedrock');
}
