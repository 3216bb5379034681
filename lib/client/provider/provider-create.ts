import { randomUUID } from 'node:crypto';
import { joinedLines } from '../../lines/joined-lines.ts';
import { splitLines } from '../../lines/jsonl.ts';
import type { Catalog, Provider, ProviderClient, Sending, Warning } from '../../providers/contract.ts';
import { ownEndpoint } from '../../providers/own-endpoint.ts';
import { withSpooledFile } from '../../providers/shared/http/spooled-file.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { Batch, CreatedBatch } from '../batch.ts';
import { NotSupportedError } from '../errors.ts';
import { usualEndpoint } from '../request-source.ts';
import type { Submission } from '../submission.ts';
import { refusedError } from './create-failure.ts';
import { createdBatch } from './created-batch.ts';
import { assertSupported, invalidLines, LinePreparation, strictError } from './line-preparation.ts';

/** Creates a batch straight at a provider. */
export class ProviderCreate {
  readonly #provider: Provider;
  readonly #client: ProviderClient & Catalog;
  readonly #settleSeconds: number;

  constructor(provider: Provider, client: ProviderClient & Catalog, settleSeconds: number) {
    this.#provider = provider;
    this.#client = client;
    this.#settleSeconds = settleSeconds;
  }

  /** The requests are translated onto disk first: nothing is sent before all of them are known to be right. */
  async create(submission: Submission): Promise<CreatedBatch> {
    const { endpoint, strict, signal } = submission;
    if (submission.idempotencyKey !== undefined) throw noIdempotency(this.#provider.kind);
    if (endpoint) assertSupported(this.#provider, endpoint);
    const preparation = new LinePreparation(this.#provider, { endpoint, strict, onWarning: submission.onWarning });
    this.#checkMetadata(submission, preparation);
    return await withSpooledFile(preparation.lines(submission.input), signal, async (blob) => {
      const sending = this.#sendingOf(blob, preparation, submission.metadata);
      const batch = await this.#send(sending, preparation.endpoint ?? usualEndpoint, signal);
      return { ...batch, warnings: preparation.warnings, warningCount: preparation.warningCount };
    });
  }

  #sendingOf(blob: Blob, preparation: LinePreparation, metadata: Record<string, string> | undefined): Sending {
    const token = randomUUID();
    const { endpoint = usualEndpoint, model, lineCount } = preparation;
    return {
      batchId: null,
      prefix: `batchdrop-${token}`,
      token,
      endpoint: ownEndpoint(this.#provider, { endpoint, model }),
      model,
      lineCount,
      lines: (separator) => joinedLines(linesOf(blob), separator),
      metadata: metadata ?? {},
    };
  }

  #checkMetadata({ metadata, strict }: Submission, preparation: LinePreparation): void {
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

  /** Once begun, a creation is waited for: broken off, nobody would know what became of it. */
  async #send(sending: Sending, endpoint: Endpoint, signal: AbortSignal): Promise<Batch> {
    const client = this.#client;
    const upload = await client.upload(sending, signal);
    if (upload.outcome !== 'uploaded') throw refusedError(upload);
    signal.throwIfAborted();
    const { providerInputFileId } = upload;
    const startedAtMs = Date.now();
    const outcome = await client.create(sending, providerInputFileId, new AbortController().signal);
    const { direct } = this.#provider;
    const settleSeconds = this.#settleSeconds;
    const attempt = { client, direct, sending, endpoint, providerInputFileId, startedAtMs, settleSeconds };
    return await createdBatch(attempt, outcome);
  }
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
