import { randomUUID } from 'node:crypto';
import { statedEndpoint } from '../lines/stated-endpoint.ts';
import type { ConnectionSettings, Sending } from '../providers/contract.ts';
import { createOutcome } from '../providers/shared/http/create-outcome.ts';
import { callError } from '../providers/shared/http/failed-call.ts';
import { withSpooledFile } from '../providers/shared/http/spooled-file.ts';
import type { Endpoint } from '../records/endpoints.ts';
import type { Batch, CreatedBatch } from './batch.ts';
import type { BatchCreation } from './deployment/deployment.ts';
import type { DeploymentClient } from './deployment-client.ts';
import { OutcomeUnknownError } from './errors.ts';
import { assertDeploymentOptions } from './known-options.ts';
import { md5Digest } from './md5-digest.ts';
import { createdBatch } from './provider/created-batch.ts';
import { emptyInput, invalidLines } from './provider/line-preparation.ts';
import { usualEndpoint } from './request-source.ts';
import type { Submission } from './submission.ts';

const filename = 'requests.jsonl';

const direct = { customIds: null, keepsMetadata: true, listsInputFile: true, mixesModels: true } as const;

/** Creates a batch at a Batchdrop deployment, which validates, routes and splits it by itself. */
export class DeploymentCreate {
  readonly #client: DeploymentClient;
  readonly #settings: ConnectionSettings;
  readonly #routedTo: string | undefined;

  constructor(client: DeploymentClient, settings: ConnectionSettings, routedTo: string | undefined) {
    this.#client = client;
    this.#settings = settings;
    this.#routedTo = routedTo;
  }

  /** The requests go as they are. They are gathered on disk first, since a length must be said before the bytes. */
  async create(submission: Submission): Promise<CreatedBatch> {
    assertDeploymentOptions(this.#settings.providerOptions ?? {});
    return await withSpooledFile(buffersOf(submission.input), submission.signal, async (blob) => {
      if (blob.size === 0) throw emptyInput();
      const endpoint = submission.endpoint ?? (await endpointIn(blob));
      const inputFileId = await this.#upload(blob, submission.signal);
      submission.signal.throwIfAborted();
      return { ...(await this.#createOnce(submission, endpoint, inputFileId)), warnings: [], warningCount: 0 };
    });
  }

  async #upload(blob: Blob, signal: AbortSignal): Promise<string> {
    try {
      const { id } = await this.#client.callOnce((deployment) =>
        deployment.uploadFile(blob, { name: filename, md5: md5Digest(), signal }),
      );
      return id;
    } catch (error) {
      if (signal.aborted) throw error;
      throw callError(`Uploading to ${this.#client.name}`, error);
    }
  }

  async #createOnce(submission: Submission, endpoint: Endpoint, inputFileId: string): Promise<Batch> {
    const startedAtMs = Date.now();
    const { createTimeoutSeconds: timeoutSeconds, settleSeconds } = this.#settings.config;
    const body = this.#body(submission, endpoint, inputFileId);
    const { idempotencyKey } = submission;
    const options = { timeoutSeconds, ...(idempotencyKey !== undefined && { idempotencyKey }) };
    const outcome = await createOutcome(this.#client.name, () =>
      this.#client.callOnce((deployment) => deployment.createBatch(body, options)),
    );
    if (outcome.outcome === 'unknown' && idempotencyKey !== undefined)
      throw new OutcomeUnknownError(`${outcome.message} Create it again with the same idempotencyKey.`, []);
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

  #body({ metadata, strict }: Submission, endpoint: Endpoint, inputFileId: string): BatchCreation {
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

/** What the requests are for; the API asks for it. */
async function endpointIn(blob: Blob): Promise<Endpoint> {
  const { endpoint, errors } = await statedEndpoint(blob.stream());
  const [first] = errors;
  if (first) throw invalidLines(first, errors, errors.length);
  return endpoint ?? usualEndpoint;
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

async function* buffersOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
