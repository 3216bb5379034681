import { randomUUID } from 'node:crypto';
import { parseRequestLine } from '../lines/request-line.ts';
import { statedEndpoint } from '../lines/stated-endpoint.ts';
import type {
  ConnectionSettings,
  CreateOutcome,
  LostCreateFinding,
  Sending,
  UploadOutcome,
} from '../providers/contract.ts';
import { createOutcome } from '../providers/shared/http/create-outcome.ts';
import { callError } from '../providers/shared/http/failed-call.ts';
import type { Endpoint } from '../records/endpoints.ts';
import type { LineError } from '../records/openai-batch.ts';
import type { Batch } from './batch.ts';
import type { CheckedRequest, Creation, CreationSteps, Draft, Drafting, DraftOptions } from './creation-steps.ts';
import type { BatchCreation } from './deployment/deployment.ts';
import type { DeploymentClient } from './deployment-client.ts';
import { OutcomeUnknownError } from './errors.ts';
import { assertDeploymentOptions } from './known-options.ts';
import { md5Digest } from './md5-digest.ts';
import { createdBatch } from './provider/created-batch.ts';
import { emptyInput, firstOf, invalidLines } from './provider/line-preparation.ts';
import { usualEndpoint } from './request-source.ts';

const filename = 'requests.jsonl';

const direct = {
  customIds: null,
  keepsMetadata: true,
  listsInputFile: true,
  mixesModels: true,
  cancels: true,
} as const;

/** The steps of a creation at a Batchdrop deployment, which validates, routes and splits the batch by itself. */
export class DeploymentSteps implements CreationSteps {
  readonly #client: DeploymentClient;
  readonly #settings: ConnectionSettings;
  readonly #routedTo: string | undefined;
  /** It splits what is larger than its providers take; so many requests are told of within a minute. */
  readonly size = { maxRequests: 50_000, maxBytes: 200_000_000 };
  readonly mixesModels = true;
  readonly retries = true;

  constructor(client: DeploymentClient, settings: ConnectionSettings, routedTo: string | undefined) {
    this.#client = client;
    this.#settings = settings;
    this.#routedTo = routedTo;
  }

  get unlistedSeconds(): number {
    const { createTimeoutSeconds, settleSeconds } = this.#settings.config;
    return createTimeoutSeconds + settleSeconds;
  }

  check(bytes: Buffer, endpoint: Endpoint): CheckedRequest | LineError {
    const parsed = parseRequestLine({ bytes, lineNumber: 1 }, endpoint);
    if (!parsed.ok) return firstOf(parsed.errors);
    return { request: parsed.request, model: parsed.request.model, sentBytes: bytes.length + 1 };
  }

  /** The requests go as they are. They are gathered on disk first, since a length must be said before the bytes. */
  draft(input: AsyncIterable<Uint8Array>, options: DraftOptions): Drafting {
    assertDeploymentOptions(this.#settings.providerOptions ?? {});
    return {
      lines: buffersOf(input),
      finish: (lines) => this.#draftOf(lines, options),
      warnings: [],
      warningCount: 0,
    };
  }

  async #draftOf(lines: Blob, options: DraftOptions): Promise<Draft> {
    const { endpoint, metadata = {}, strict, idPrefix, maxCostUsd } = options;
    if (lines.size === 0) throw emptyInput();
    const token = randomUUID();
    return {
      endpoint: endpoint ?? (await endpointIn(lines)),
      model: '',
      lineCount: 0,
      token,
      idPrefix: idPrefix ?? token,
      metadata,
      ...(strict && { strict }),
      ...(maxCostUsd !== undefined && { maxCostUsd }),
    };
  }

  async upload(_draft: Draft, lines: Blob, signal: AbortSignal): Promise<UploadOutcome> {
    try {
      const { id } = await this.#client.callOnce((deployment) =>
        deployment.uploadFile(lines, { name: filename, md5: md5Digest(), signal }),
      );
      return { outcome: 'uploaded', providerInputFileId: id };
    } catch (error) {
      if (signal.aborted) throw error;
      throw callError(`Uploading to ${this.#client.name}`, error);
    }
  }

  async create({ draft, inputFileId, idempotencyKey }: Creation): Promise<CreateOutcome> {
    const timeoutSeconds = this.#settings.config.createTimeoutSeconds;
    const options = { timeoutSeconds, ...(idempotencyKey !== undefined && { idempotencyKey }) };
    const body = this.#body(draft, inputFileId ?? '');
    return await createOutcome(this.#client.name, () =>
      this.#client.callOnce((deployment) => deployment.createBatch(body, options)),
    );
  }

  /** With a key the same creation gives the same batch; without one the list tells, since an input file is used once. */
  async find(creation: Creation): Promise<LostCreateFinding> {
    if (creation.idempotencyKey !== undefined) return findingOf(await this.create(creation));
    const { draft, inputFileId, startedAtMs } = creation;
    const window = { windowStartMs: startedAtMs, windowEndMs: Date.now(), isClaimed: async () => false };
    const lost = { sending: sendingOf(draft), providerInputFileId: inputFileId, ...window };
    return await this.#client.findLost(lost, new AbortController().signal);
  }

  async created(creation: Creation, outcome: CreateOutcome): Promise<Batch> {
    if (outcome.outcome === 'unknown' && creation.idempotencyKey !== undefined)
      throw new OutcomeUnknownError(`${outcome.message} Create it again with the same idempotencyKey.`, []);
    const { draft, inputFileId, startedAtMs } = creation;
    const { settleSeconds } = this.#settings.config;
    const sending = sendingOf(draft);
    const { endpoint } = draft;
    const of = { client: this.#client, direct, sending, endpoint, providerInputFileId: inputFileId };
    return await createdBatch({ ...of, startedAtMs, settleSeconds }, outcome);
  }

  #body({ endpoint, metadata, strict, maxCostUsd }: Draft, inputFileId: string): BatchCreation {
    return {
      input_file_id: inputFileId,
      endpoint,
      completion_window: '24h',
      ...(Object.keys(metadata).length > 0 && { metadata }),
      ...(strict && { strict }),
      ...(maxCostUsd !== undefined && { max_cost_usd: maxCostUsd }),
      ...(this.#routedTo !== undefined && { provider: this.#routedTo }),
      ...this.#settings.providerOptions,
    };
  }
}

function findingOf(outcome: CreateOutcome): LostCreateFinding {
  switch (outcome.outcome) {
    case 'created':
      return { finding: 'found', providerBatchId: outcome.providerBatchId };
    case 'refused':
    case 'deferred':
    case 'unknown':
      return { finding: 'undecided', providerBatchIds: [], reason: outcome.message };
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
function sendingOf({ metadata, endpoint, token, idPrefix }: Draft): Sending {
  return {
    batchId: null,
    prefix: idPrefix,
    token,
    endpoint,
    model: '',
    lineCount: 0,
    lines: noLines,
    metadata,
  };
}

async function* noLines(): AsyncGenerator<Buffer> {}

async function* buffersOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
