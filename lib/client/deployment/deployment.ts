import type { AccountView } from '../../records/account-view.ts';
import { type BatchRequest, batchRequestSchema, type RequestStatus } from '../../records/batch-request.ts';
import { type BatchErrors, batchErrorsSchema } from '../../records/error-group.ts';
import { type FileLink, fileLinkSchema } from '../../records/file-link.ts';
import { DeploymentHttp, type DeploymentOptions } from './http.ts';
import {
  accountListSchema,
  batchListSchema,
  consoleTokenSchema,
  type DeploymentBatch,
  type DeploymentFile,
  type DeploymentRequestList,
  type DeploymentShardList,
  type DeploymentUsage,
  deploymentBatchSchema,
  fileListSchema,
  requestListSchema,
  shardListSchema,
  usageSchema,
} from './replies.ts';
import { type UploadOptions, uploadFile } from './upload.ts';

/** The body of a creation: OpenAI's members, and the options of a deployment (docs/options.md). */
export interface BatchCreation {
  input_file_id: string;
  endpoint: string;
  completion_window: '24h';
  [option: string]: unknown;
}

export interface CreationOptions {
  /** The same key and body give the same batch, so that a call without an answer may be repeated; without one it is made once. */
  idempotencyKey?: string;
  timeoutSeconds?: number;
  signal?: AbortSignal | undefined;
}

/** A page of batches, newest first. */
export interface DeploymentBatchList {
  batches: DeploymentBatch[];
  /** What the next page begins behind; null at the end. */
  next: string | null;
  /** How many were looked at for this page, and when the last of them was made, in Unix seconds; null where it is not said. */
  looked: { count: number; to: number | null } | null;
}

/** Which batches: see docs/api.md. An older deployment knows the first three. */
export interface BatchListQuery {
  limit?: number;
  after?: string;
  tenant?: string;
  status?: string;
  name?: string;
  model?: string;
  created_after?: number;
  created_before?: number;
  metadata?: Record<string, string>;
}

/** A file while it is downloaded. */
export interface Download {
  /** Null where the deployment does not say it. */
  bytes: number | null;
  response: Response;
}

/** A deployment may join the parts of a result file before it sends them: many redirects of half a minute each. */
const downloadTimeoutSeconds = 600;

/**
 * The client of a deployment, or of the local stack: files, uploads, batches and their results. It needs nothing but
 * fetch, so it runs in a browser as well.
 *
 * Every method throws DeploymentAnswerError, DeploymentConnectionError or DeploymentReplyError.
 */
export class Deployment {
  readonly #http: DeploymentHttp;

  constructor(options: DeploymentOptions) {
    this.#http = new DeploymentHttp(options);
  }

  /** Uploads a file of requests; a large one in parts, four at a time. A failed upload is cancelled. */
  async uploadFile(file: Blob, options: UploadOptions): Promise<DeploymentFile> {
    return await uploadFile(this.#http, file, options);
  }

  /** Lists files, newest first. */
  async listFiles(query: { limit?: number; purpose?: string } = {}, signal?: AbortSignal): Promise<DeploymentFile[]> {
    const { data } = await this.#http.read(fileListSchema, { path: '/files', query, signal });
    return data;
  }

  /** Opens a file to be read. */
  async openFile(fileId: string, signal?: AbortSignal): Promise<Download> {
    return await this.#download(`/files/${encodeURIComponent(fileId)}/content`, signal);
  }

  /** Gives a URL by which a browser downloads a file without the key, for five minutes. */
  async fileLink(fileId: string, signal?: AbortSignal): Promise<FileLink> {
    const path = `/files/${encodeURIComponent(fileId)}/link`;
    return await this.#http.read(fileLinkSchema, { path, signal, timeoutSeconds: downloadTimeoutSeconds });
  }

  /** Opens the answers of one shard, or its final failures, which may be read as soon as it is collected. */
  async openShard(
    batchId: string,
    { round, shard }: { round: number; shard: number },
    what: 'output' | 'errors',
    signal?: AbortSignal,
  ): Promise<Download> {
    return await this.#download(`${batchPath(batchId)}/shards/${round}/${shard}/${what}`, signal);
  }

  async createBatch(body: BatchCreation, options: CreationOptions = {}): Promise<DeploymentBatch> {
    const { idempotencyKey, timeoutSeconds, signal } = options;
    return await this.#http.read(deploymentBatchSchema, {
      method: 'POST',
      path: '/batches',
      body,
      signal,
      isRepeatable: idempotencyKey !== undefined,
      ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
      ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    });
  }

  /** @param query.shards_after the shard behind which its list of shards begins, as `0-999`: an answer holds a thousand. */
  async retrieveBatch(
    batchId: string,
    signal?: AbortSignal,
    query: { tenant?: string; shards_after?: string } = {},
  ): Promise<DeploymentBatch> {
    return await this.#http.read(deploymentBatchSchema, { path: batchPath(batchId), query, signal });
  }

  /** Lists batches, newest first. Where some are left out, a page may be short or empty although there is more: `next` says it. */
  async listBatches({ metadata = {}, ...others }: BatchListQuery, signal?: AbortSignal): Promise<DeploymentBatchList> {
    const labels = Object.entries(metadata).map(([label, value]): [string, string] => [`metadata[${label}]`, value]);
    const query = { ...others, ...Object.fromEntries(labels) };
    const page = await this.#http.read(batchListSchema, { path: '/batches', query, signal });
    const { batchdrop: seen } = page;
    return {
      batches: page.data,
      next: seen ? seen.next : page.has_more ? (page.last_id ?? null) : null,
      looked: seen ? { count: seen.looked, to: seen.looked_to } : null,
    };
  }

  /** Lists a batch's shards. */
  async listShards(
    batchId: string,
    query: { after?: string; limit?: number; tenant?: string } = {},
    signal?: AbortSignal,
  ): Promise<DeploymentShardList> {
    return await this.#http.read(shardListSchema, { path: `${batchPath(batchId)}/shards`, query, signal });
  }

  /** Says why requests of a batch failed, by code. */
  async batchErrors(batchId: string, query: { tenant?: string } = {}, signal?: AbortSignal): Promise<BatchErrors> {
    return await this.#http.read(batchErrorsSchema, { path: `${batchPath(batchId)}/errors`, query, signal });
  }

  /** Lists requests in the order of the input. With a filter a page may be short or empty although `batchdrop.next` is not null. */
  async listRequests(
    batchId: string,
    query: { after?: number; limit?: number; status?: RequestStatus; code?: string; q?: string } = {},
    signal?: AbortSignal,
  ): Promise<DeploymentRequestList> {
    return await this.#http.read(requestListSchema, { path: `${batchPath(batchId)}/requests`, query, signal });
  }

  /** Gives one request whole, or links where it is too long for that. */
  async retrieveRequest(batchId: string, line: number, signal?: AbortSignal): Promise<BatchRequest> {
    return await this.#http.read(batchRequestSchema, { path: `${batchPath(batchId)}/requests/${line}`, signal });
  }

  async listAccounts(signal?: AbortSignal): Promise<AccountView[]> {
    return (await this.#http.read(accountListSchema, { path: '/accounts', signal })).data;
  }

  /** What ended batches have used and cost, by groups such as `day` or `model,metadata.team`. */
  async usage(
    query: { by: string; from?: string; to?: string; tenant?: string; after?: string },
    signal?: AbortSignal,
  ): Promise<DeploymentUsage> {
    return await this.#http.read(usageSchema, { path: '/usage', query, signal });
  }

  /** Asks for a batch to be cancelled; it goes on as `cancelling` for a while, and what was finished is kept. */
  async cancelBatch(batchId: string, signal?: AbortSignal): Promise<DeploymentBatch> {
    const path = `${batchPath(batchId)}/cancel`;
    return await this.#http.read(deploymentBatchSchema, { method: 'POST', path, signal });
  }

  /** Has the providers' results of a batch that has ended read again, for answers that are lost; nothing is sent. */
  async collectBatch(batchId: string, signal?: AbortSignal): Promise<DeploymentBatch> {
    const path = `${batchPath(batchId)}/collect`;
    return await this.#http.read(deploymentBatchSchema, { method: 'POST', path, signal });
  }

  /** Creates the batch of the requests that failed; the same one each time. */
  async retryBatch(batchId: string, signal?: AbortSignal): Promise<DeploymentBatch> {
    const path = `${batchPath(batchId)}/retry`;
    return await this.#http.read(deploymentBatchSchema, { method: 'POST', path, signal });
  }

  /** Asks for a token that signs in to the console, once; only a local stack gives one. */
  async createConsoleToken(signal?: AbortSignal): Promise<string> {
    const call = { method: 'POST', path: '/console/tokens', isRepeatable: false, signal } as const;
    const { token } = await this.#http.read(consoleTokenSchema, call);
    return token;
  }

  async #download(path: string, signal: AbortSignal | undefined): Promise<Download> {
    const response = await this.#http.open({ path, signal, timeoutSeconds: downloadTimeoutSeconds });
    const length = response.headers.get('content-length');
    return { bytes: length === null ? null : Number(length), response };
  }
}

function batchPath(batchId: string): string {
  return `/batches/${encodeURIComponent(batchId)}`;
}
