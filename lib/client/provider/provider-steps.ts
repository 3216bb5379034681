import { randomUUID } from 'node:crypto';
import { joinedLines } from '../../lines/joined-lines.ts';
import { splitLines } from '../../lines/jsonl.ts';
import type { AccountSettings } from '../../providers/account.ts';
import type {
  Catalog,
  CreateOutcome,
  LostCreateFinding,
  Provider,
  ProviderClient,
  Sending,
  UploadOutcome,
  Warning,
} from '../../providers/contract.ts';
import { ownEndpoint } from '../../providers/own-endpoint.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { LineError } from '../../records/openai-batch.ts';
import type { Batch } from '../batch.ts';
import type {
  BatchSize,
  CheckedRequest,
  Creation,
  CreationSteps,
  Draft,
  Drafting,
  DraftOptions,
} from '../creation-steps.ts';
import { NotSupportedError } from '../errors.ts';
import { usualEndpoint } from '../request-source.ts';
import { createdBatch } from './created-batch.ts';
import { assertSupported, checkedLine, invalidLines, LinePreparation, strictError } from './line-preparation.ts';

/** The steps of a creation straight at a provider. */
export class ProviderSteps implements CreationSteps {
  readonly #provider: Provider;
  readonly #client: ProviderClient & Catalog;
  readonly #config: AccountSettings;
  readonly retries = false;

  constructor(provider: Provider, client: ProviderClient & Catalog, config: AccountSettings) {
    this.#provider = provider;
    this.#client = client;
    this.#config = config;
  }

  get size(): BatchSize {
    const { maxRequests, maxBytes } = this.#provider.limits;
    return { maxRequests, maxBytes };
  }

  get mixesModels(): boolean {
    return this.#provider.direct.mixesModels;
  }

  get unlistedSeconds(): number {
    return this.#config.createTimeoutSeconds + this.#config.settleSeconds;
  }

  check(line: Buffer, endpoint: Endpoint): CheckedRequest | LineError {
    return checkedLine(this.#provider, this.#config, line, endpoint);
  }

  /** The requests are translated as they are read. */
  draft(input: AsyncIterable<Uint8Array>, options: DraftOptions): Drafting {
    const { endpoint, strict, metadata, idPrefix, onWarning } = options;
    if (options.idempotencyKey !== undefined) throw noIdempotency(this.#provider.kind);
    if (endpoint) assertSupported(this.#provider, endpoint);
    const preparation = new LinePreparation(this.#provider, this.#config, { endpoint, strict, onWarning });
    this.#checkMetadata(metadata, strict, preparation);
    return {
      lines: preparation.lines(input),
      finish: async () => draftOf(preparation, metadata, idPrefix),
      warnings: preparation.warnings,
      get warningCount() {
        return preparation.warningCount;
      },
    };
  }

  #checkMetadata(metadata: Record<string, string> | undefined, strict: boolean, preparation: LinePreparation): void {
    if (metadata === undefined || this.#provider.direct.keepsMetadata) return;
    const warning: Warning = {
      param: 'metadata',
      code: 'parameter_dropped',
      message: `${this.#provider.kind} keeps no metadata of a batch; it was left out.`,
    };
    const error = strictError(warning, null);
    if (strict) throw invalidLines(error, [error], 1);
    preparation.warn({ ...warning, line: null });
  }

  async upload(draft: Draft, lines: Blob, signal: AbortSignal): Promise<UploadOutcome> {
    return await this.#client.upload(this.#sendingOf(draft, lines), signal);
  }

  async create({ draft, lines, inputFileId }: Creation): Promise<CreateOutcome> {
    return await this.#client.create(this.#sendingOf(draft, lines), inputFileId, new AbortController().signal);
  }

  async find({ draft, lines, inputFileId, startedAtMs }: Creation): Promise<LostCreateFinding> {
    const lost = {
      sending: this.#sendingOf(draft, lines),
      providerInputFileId: inputFileId,
      windowStartMs: startedAtMs,
      windowEndMs: startedAtMs + this.unlistedSeconds * 1000,
      isClaimed: async () => false,
    };
    return await this.#client.findLost(lost, new AbortController().signal);
  }

  async created({ draft, lines, inputFileId, startedAtMs }: Creation, outcome: CreateOutcome): Promise<Batch> {
    const attempt = {
      client: this.#client,
      direct: this.#provider.direct,
      sending: this.#sendingOf(draft, lines),
      endpoint: draft.endpoint,
      providerInputFileId: inputFileId,
      startedAtMs,
      settleSeconds: this.#config.settleSeconds,
    };
    return await createdBatch(attempt, outcome);
  }

  #sendingOf({ endpoint, model, shared, lineCount, token, idPrefix, metadata }: Draft, lines: Blob): Sending {
    return {
      batchId: null,
      prefix: idPrefix,
      token,
      endpoint: ownEndpoint(this.#provider, { endpoint, model }),
      model,
      ...(shared && { shared }),
      lineCount,
      lines: (separator) => joinedLines(linesOf(lines), separator),
      metadata,
    };
  }
}

function draftOf(
  { endpoint = usualEndpoint, model, shared, lineCount }: LinePreparation,
  metadata: Record<string, string> = {},
  idPrefix?: string,
): Draft {
  const token = randomUUID();
  return {
    endpoint,
    model,
    ...(shared && { shared }),
    lineCount,
    token,
    idPrefix: idPrefix ?? `batchdrop-${token}`,
    metadata,
  };
}

function noIdempotency(kind: string): NotSupportedError {
  return new NotSupportedError(
    `${kind} has no idempotency keys for batches: without one a creation is sent once. A deployment has them.`,
  );
}

async function* linesOf(blob: Blob): AsyncGenerator<Buffer> {
  for await (const lines of splitLines(blob.stream(), Number.POSITIVE_INFINITY)) {
    for (const { bytes } of lines) if (bytes) yield bytes;
  }
}
