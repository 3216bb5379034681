import { z } from 'zod';
import type {
  BatchPage,
  ConnectionSettings,
  LostCreate,
  LostCreateFinding,
  PageRequest,
  ProviderBatch,
} from '../providers/contract.ts';
import type { BatchFields } from '../providers/shared/batch-fields.ts';
import { clockSkewMs } from '../providers/shared/http/allowances.ts';
import { callError, hasEndedAlready } from '../providers/shared/http/failed-call.ts';
import { KeyedClient } from '../providers/shared/http/keyed-client.ts';
import { verifiedDownload } from '../providers/shared/http/verified-download.ts';
import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { describeIssues } from '../records/options.ts';
import { Deployment } from './deployment/deployment.ts';
import type { DeploymentBatch } from './deployment/replies.ts';
import type { FinishedPart, LibraryClient } from './library-client.ts';

/** The most that a page of its list may hold. */
const maxPageItems = 100;

/** A deployment, asked as the library asks a provider. */
export class DeploymentClient implements LibraryClient {
  readonly #keyed: KeyedClient<Deployment>;
  /** For people: what is called, and where. */
  readonly name: string;

  constructor(settings: ConnectionSettings) {
    const options = deploymentOptions(settings);
    this.name = `the deployment at ${options.url.replace(/\/v1$/, '')}`;
    this.#keyed = new KeyedClient(settings, (apiKey) => new Deployment({ ...options, apiKey }));
  }

  /** Makes a call as it is, for what reads its failure itself. */
  async callOnce<Result>(call: (deployment: Deployment) => Promise<Result>): Promise<Result> {
    return await this.#keyed.call(call);
  }

  /** Makes a call whose failure is an error of the provider contract. */
  async call<Result>(what: string, call: (deployment: Deployment) => Promise<Result>): Promise<Result> {
    try {
      return await this.#keyed.call(call);
    } catch (error) {
      throw callError(what, error);
    }
  }

  async describe(batchId: string, signal: AbortSignal): Promise<BatchFields> {
    return await this.#retrieved(batchId, signal);
  }

  async retrieve(batchId: string, signal: AbortSignal): Promise<ProviderBatch> {
    return providerBatchFrom(await this.#retrieved(batchId, signal));
  }

  async #retrieved(batchId: string, signal: AbortSignal): Promise<DeploymentBatch> {
    return await this.call(`The batch ${batchId} of ${this.name}`, (deployment) =>
      deployment.retrieveBatch(batchId, signal),
    );
  }

  async list(page: PageRequest, signal: AbortSignal): Promise<BatchPage> {
    const { batches, next } = await this.call(`The list of batches of ${this.name}`, (deployment) =>
      deployment.listBatches({ ...page }, signal),
    );
    return { batches, hasMore: next !== null };
  }

  async cancel(batchId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.callOnce((deployment) => deployment.cancelBatch(batchId, signal));
    } catch (error) {
      if (!hasEndedAlready(error)) throw callError(`Cancelling the batch ${batchId} of ${this.name}`, error);
    }
  }

  async *results(_batch: ProviderBatch, fileId: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const what = `The file ${fileId} of ${this.name}`;
    const { response } = await this.call(what, (deployment) => deployment.openFile(fileId, signal));
    yield* verifiedDownload(response, what);
  }

  async finishedParts(batchId: string, signal: AbortSignal): Promise<FinishedPart[]> {
    const { batchdrop } = await this.#retrieved(batchId, signal);
    const { shards = [] } = shardsSchema.safeParse(batchdrop).data ?? {};
    return shards
      .filter(({ status }) => status === 'collected')
      .flatMap((shard) => [
        ...(shard.completed > 0 ? [this.#part(batchId, shard, 'output')] : []),
        ...(shard.failed > 0 ? [this.#part(batchId, shard, 'errors')] : []),
      ]);
  }

  #part(batchId: string, { round, shard }: ShardView, what: 'output' | 'errors'): FinishedPart {
    const name = `The ${what} of shard ${round}-${shard} of the batch ${batchId} of ${this.name}`;
    const open = (signal: AbortSignal) =>
      this.call(name, (deployment) => deployment.openShard(batchId, { round, shard }, what, signal));
    return {
      id: `${round}-${shard}-${what}`,
      read: (signal) => readPart(name, () => open(signal), what === 'errors'),
    };
  }

  /** An input file is used once, so it proves which batch is ours. */
  async findLost({ providerInputFileId, windowStartMs }: LostCreate, signal: AbortSignal): Promise<LostCreateFinding> {
    const oldestSeconds = (windowStartMs - clockSkewMs) / 1000;
    let after: string | undefined;
    for (;;) {
      const page = await this.list({ limit: maxPageItems, ...(after !== undefined && { after }) }, signal);
      const found = page.batches.find((batch) => batch.input_file_id === providerInputFileId);
      if (found) return { finding: 'found', providerBatchId: found.id };
      const last = page.batches.at(-1);
      if (!page.hasMore || !last || (last.created_at ?? 0) < oldestSeconds) return { finding: 'none' };
      after = last.id;
    }
  }
}

/** @param mayBeMissing for failures, which are all of requests that are sent again, or that an older deployment does not tell of. */
async function* readPart(
  name: string,
  open: () => Promise<{ response: Response }>,
  mayBeMissing: boolean,
): AsyncGenerator<Uint8Array> {
  const opened = await open().catch((error: unknown) => {
    if (mayBeMissing && error instanceof NotFoundError) return null;
    throw error;
  });
  if (opened) yield* verifiedDownload(opened.response, name);
}

const shardViewSchema = z.object({
  round: z.number(),
  shard: z.number(),
  status: z.string(),
  completed: z.number(),
  failed: z.number().default(0),
});

type ShardView = z.infer<typeof shardViewSchema>;

const shardsSchema = z.object({ shards: z.array(shardViewSchema).optional() });

/** What of the SDK's options a deployment is called with as well. */
const clientOptionsSchema = z.object({
  fetch: z.custom<typeof fetch>((value) => typeof value === 'function', 'not a function').optional(),
  defaultHeaders: z.record(z.string(), z.string()).optional(),
  defaultQuery: z.record(z.string(), z.string()).optional(),
  maxRetries: z.number().int().nonnegative().optional(),
  /** Milliseconds. */
  timeout: z.number().positive().optional(),
});

function deploymentOptions({ config, clientOptions = {} }: ConnectionSettings) {
  const read = clientOptionsSchema.safeParse(clientOptions);
  if (!read.success) {
    const message = `clientOptions: ${describeIssues(read.error)}`;
    throw new InvalidInputError('invalid_option', message, { param: 'clientOptions', cause: read.error });
  }
  const { fetch, defaultHeaders, defaultQuery, maxRetries, timeout } = read.data;
  return {
    url: config.baseUrl ?? '',
    ...(fetch && { fetch }),
    ...(defaultHeaders && { headers: defaultHeaders }),
    ...(defaultQuery && { query: defaultQuery }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(timeout !== undefined && { timeoutSeconds: timeout / 1000 }),
  };
}

function providerBatchFrom(batch: DeploymentBatch): ProviderBatch {
  const { status, request_counts: counts, output_file_id, error_file_id } = batch;
  const isEnded = hasEnded(status);
  return {
    providerBatchId: batch.id,
    phase: status === 'finalizing' ? 'in_progress' : status,
    status,
    isKnownStatus: true,
    counts,
    expectedResults: isEnded ? counts.completed + (error_file_id === null ? 0 : counts.failed) : null,
    resultRefs: isEnded ? [output_file_id, error_file_id].filter((fileId) => fileId !== null) : [],
    failure: null,
  };
}
