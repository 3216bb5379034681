import { createHash } from 'node:crypto';
import { splitLines } from '../../lines/jsonl.ts';
import type { LineIndex } from '../../lines/line-index.ts';
import { maxResultLineBytes } from '../../lines/result-line.ts';
import type { AnsweredLine, Provider, TranslatedResult } from '../../providers/contract.ts';
import { TransientError } from '../../records/errors.ts';
import { positionOf, positionWithin, sendingPrefix } from '../../records/ids.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { type Usage, UsageSum } from '../../records/usage.ts';
import type { PendingWrite } from '../../store/pending-writes.ts';
import type { ResultSpool } from './result-spool.ts';

type Answered = Extract<TranslatedResult, { kind: 'answered' }>;
type Unexecuted = Extract<TranslatedResult, { kind: 'unexecuted' }>;

const answerFlags = { answered: 1, succeeded: 2, retryable: 4 } as const;

/** What an answer cost in US dollars, in the tier that it names; null where it is not known. */
export type PriceOfAnswer = (usage: Usage, tier?: string | null) => number | null;

/** What the provider's result files say: the answers go into the spool, one byte a line and what is unusual stay here. */
export class GatheredAnswers {
  readonly #spool: Pick<ResultSpool, 'put'>;
  readonly #find: (lineId: string) => AnsweredLine | null;
  readonly #prefix: string;
  readonly #placeOf: (sentPosition: number) => number | null;
  readonly #flags: Uint8Array;
  readonly #unexecuted = new Map<number, Pick<Unexecuted, 'reason' | 'message'>>();
  readonly #malformedAt = new Set<number>();
  readonly #priceOf: PriceOfAnswer;
  readonly #usage = new UsageSum();
  /** US dollars for all answers, each priced by itself; null where no price is known. */
  costUsd: number | null = 0;
  readonly sourceSha256: string[] = [];
  /** Requests with a result that can be read. */
  resultsRead = 0;
  /** How many of these the provider executed or refused, and how many succeeded. */
  answered = 0;
  succeeded = 0;
  doubled = 0;
  malformed = 0;
  foreign = 0;
  /** Lines that name a request of this sending, damaged ones included. */
  #named = 0;
  /** Whether the line that is being read is one of the sending that is not asked for. */
  #isUnasked = false;

  /**
   * @param shard of the sending.
   * @param index of the lines that are asked for.
   * @param priceOf what an answer cost in US dollars; null where it is not known.
   * @param triesOf how often a line was sent in this round; once where it is not given.
   * @param placeOf where a line of the sending stands in the index; null for one that is not asked for.
   */
  constructor(
    shard: ShardRecord,
    index: LineIndex,
    spool: Pick<ResultSpool, 'put'>,
    priceOf: PriceOfAnswer,
    triesOf: (position: number) => number = () => 1,
    placeOf: (sentPosition: number) => number | null = (sentPosition) => sentPosition,
  ) {
    this.#priceOf = priceOf;
    const { batchId, round, shard: place, attempts, endpoint, model } = shard;
    const prefix = sendingPrefix({ batchId, round, shard: place, attempt: shard.intent?.attempt ?? attempts });
    this.#spool = spool;
    this.#prefix = prefix;
    this.#placeOf = placeOf;
    this.#flags = new Uint8Array(index.length);
    this.#find = (lineId) => {
      const sentPosition = positionOf(lineId, prefix);
      const position = sentPosition === null ? null : placeOf(sentPosition);
      this.#isUnasked = sentPosition !== null && position === null;
      if (position === null || position >= index.length) return null;
      const customId = index.customId(position);
      const format = index.format(position);
      const lineNumber = index.lineNumber(position);
      return { position, customId, format, endpoint, model, attempts: round + triesOf(position), lineNumber };
    };
  }

  get usage(): Usage {
    return this.#usage.usage;
  }

  /**
   * Reads one file of results.
   *
   * @throws TransientError where it has lines and none of them names a request of this sending: it is another file, such as
   * an error or the page of a gateway.
   */
  async read(
    provider: Pick<Provider, 'translateResult'>,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const hash = createHash('sha256');
    const namedBefore = this.#named;
    let lineCount = 0;
    for await (const lines of splitLines(hashed(chunks, hash), maxResultLineBytes)) {
      signal.throwIfAborted();
      lineCount += lines.length;
      // Each line makes its bytes anew when it is asked for them.
      for (const { bytes } of lines) {
        const pending =
          bytes === null ? this.#countMalformed() : this.#take(provider.translateResult(bytes, this.#find), bytes);
        if (pending) await pending;
      }
    }
    if (lineCount > 0 && this.#named === namedBefore)
      throw new TransientError(`A file of ${lineCount} lines came, of which none is a result of this sending.`);
    this.sourceSha256.push(hash.digest('hex'));
  }

  /** @returns null where the provider did not execute the request, or said nothing of it. */
  answer(position: number): { succeeded: boolean; retryable: boolean } | null {
    const flags = this.#flags[position] ?? 0;
    if ((flags & answerFlags.answered) === 0) return null;
    return { succeeded: (flags & answerFlags.succeeded) !== 0, retryable: (flags & answerFlags.retryable) !== 0 };
  }

  unexecuted(position: number): Pick<Unexecuted, 'reason' | 'message'> | undefined {
    return this.#unexecuted.get(position);
  }

  isMalformed(position: number): boolean {
    return this.#malformedAt.has(position);
  }

  #take(result: TranslatedResult, bytes: Buffer): PendingWrite {
    switch (result.kind) {
      case 'answered':
        return this.#isFirst(result.position) ? this.#keep(result) : undefined;
      case 'unexecuted':
        if (this.#isFirst(result.position)) this.#unexecuted.set(result.position, result);
        return undefined;
      case 'malformed':
        this.#countMalformed();
        this.#markMalformed(positionWithin(bytes.toString('utf8'), this.#prefix));
        return undefined;
      case 'foreign':
        if (this.#isUnasked) this.#named += 1;
        else this.foreign += 1;
        return undefined;
    }
  }

  /** The first answer stands: a second one for the same request is only counted. */
  #isFirst(position: number): boolean {
    const isFirst = this.#flags[position] === 0 && !this.#unexecuted.has(position);
    if (isFirst) this.resultsRead += 1;
    else this.doubled += 1;
    this.#named += 1;
    return isFirst;
  }

  #keep({ position, bytes, succeeded, retryable, usage, tier }: Answered): PendingWrite {
    this.#flags[position] =
      answerFlags.answered | (succeeded ? answerFlags.succeeded : 0) | (retryable ? answerFlags.retryable : 0);
    this.answered += 1;
    if (succeeded) this.succeeded += 1;
    if (usage) this.#countUsage(usage, tier);
    return this.#spool.put(position, bytes);
  }

  #countUsage(usage: Usage, tier: Answered['tier']): void {
    this.#usage.add(usage);
    const usd = this.#priceOf(usage, tier);
    this.costUsd = usd === null || this.costUsd === null ? null : this.costUsd + usd;
  }

  #countMalformed(): undefined {
    this.malformed += 1;
  }

  #markMalformed(sentPosition: number | null): void {
    if (sentPosition === null) return;
    this.#named += 1;
    const position = this.#placeOf(sentPosition);
    if (position !== null) this.#malformedAt.add(position);
  }
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
