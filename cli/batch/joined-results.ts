import { z } from 'zod';
import { isOverlong, splitLines } from '../../lib/lines/jsonl.ts';
import { maxResultLineBytes } from '../../lib/lines/result-line.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';
import type { Transport } from '../transport/transport.ts';

/** The batches that a result is made of. */
export interface RetryChain {
  /** The first batch, and each retry of the one before. */
  batches: BatchState[];
  /** A retry that still runs: its requests stand among the errors until it has ended. */
  running: BatchState | null;
}

/** Finds the retries of a batch, and the retries of those. */
export async function retryChain(transport: Transport, first: BatchState): Promise<RetryChain> {
  const batches = [first];
  for (let last = first; ; ) {
    const retry = await transport.retryOf(last);
    if (retry === null) return { batches, running: null };
    if (!hasBatchEnded(retry)) return { batches, running: retry };
    batches.push(retry);
    last = retry;
  }
}

/** How many lines were joined, counted as they are read. */
export interface JoinedCounts {
  completed: number;
  failed: number;
}

/**
 * Joins the results of a batch and its retries by their custom_ids: each request has the first answer that it got, or the error
 * that it had last. First come the answers of the first batch in the order of its input, then those of each retry.
 */
export class JoinedResults {
  readonly #transport: Transport;
  readonly #batches: readonly BatchState[];
  readonly #answered = new Set<string>();
  readonly counts: JoinedCounts = { completed: 0, failed: 0 };

  constructor(transport: Transport, batches: readonly BatchState[]) {
    this.#transport = transport;
    this.#batches = batches;
  }

  /** To be read to its end before the errors. */
  async *answers(): AsyncGenerator<Uint8Array> {
    for (const { output } of this.#batches)
      for await (const { line, customId } of this.#lines(output)) {
        if (customId !== null && this.#answered.has(customId)) continue;
        if (customId !== null) this.#answered.add(customId);
        this.counts.completed += 1;
        yield line;
      }
  }

  /** A request's last error; what no retry took up again has its own from the batch that it stood in. */
  async *errors(): AsyncGenerator<Uint8Array> {
    const last = new Map<string, number>();
    for (const [place, { errorFile }] of this.#batches.entries())
      for await (const { customId } of this.#lines(errorFile)) if (customId !== null) last.set(customId, place);
    for (const [place, { errorFile }] of this.#batches.entries())
      for await (const { line, customId, code } of this.#lines(errorFile)) {
        const isLast = place === this.#batches.length - 1;
        const isOwn = customId === null ? isLast || code === neverRetried : last.get(customId) === place;
        if (!isOwn || (customId !== null && this.#answered.has(customId))) continue;
        this.counts.failed += 1;
        yield line;
      }
  }

  async *#lines(reference: string | null): AsyncGenerator<ResultLine> {
    if (reference === null) return;
    const { chunks } = await this.#transport.open(reference);
    for await (const lines of splitLines(chunks, maxResultLineBytes))
      for (const line of lines)
        if (!isOverlong(line)) yield { line: Buffer.concat([line.bytes, newline]), ...read(line.bytes) };
  }
}

const newline = Buffer.from('\n');

/** Nothing of such a line is kept, so that it stands in no retry. */
const neverRetried = 'line_too_long';

interface ResultLine {
  line: Buffer;
  customId: string | null;
  /** Why it failed, of an error line. */
  code: string | null;
}

const resultSchema = z.object({
  custom_id: z.string().nullable().catch(null),
  error: z
    .object({ code: z.string().nullable().catch(null) })
    .nullable()
    .catch(null),
});

function read(line: Buffer): Omit<ResultLine, 'line'> {
  const { custom_id: customId, error } = resultSchema.parse(JSON.parse(line.toString('utf8')));
  return { customId, code: error?.code ?? null };
}
