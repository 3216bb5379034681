import { type LineIndex, type ResultEntry, ResultIndexEncoder } from '../../lines/line-index.ts';
import { type Failure, failureLine, resultLineId } from '../../lines/result-line.ts';
import type { TranslatedResult } from '../../providers/contract.ts';
import { shardWorkKey } from '../../records/object-keys.ts';
import type { ShardRecord, ShardResult } from '../../records/shard.ts';
import type { ObjectWriter, WrittenObject } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import type { PendingWrite } from '../../store/pending-writes.ts';
import type { AnswerChecks, CheckedAnswers } from './answer-checks.ts';
import type { GatheredAnswers } from './gathered-answers.ts';
import type { MissingLines } from './missing-lines.ts';
import type { ResultSpool } from './result-spool.ts';

const newlineLength = 1;

/** What the results of a shard are made of. */
export interface ShardResultSources {
  shard: ShardRecord;
  /** What is said of the lines that have no result. */
  missing: MissingLines;
  /** Whether requests are sent again whose answers may have been paid for. */
  resendsLost: boolean;
  index: LineIndex;
  answers: GatheredAnswers;
  spool: ResultSpool;
  /** Null where no answer is held against a schema. */
  checks: AnswerChecks | null;
}

type Unexecuted = Extract<TranslatedResult, { kind: 'unexecuted' }>;

/** It was answered, and so paid for. */
const unreadable: MissingLines = {
  code: 'invalid_result_line',
  message: "The provider's result line for this request cannot be read.",
  isLost: true,
  isRetryable: false,
};

type Outcome = Omit<ResultEntry, 'ordinal' | 'byteLength'>;

/** Writes output, errors and the index of a shard, in its order: one result for each line, whatever the provider gave. */
export class ShardResults {
  readonly #objects: Objects;
  readonly #sources: ShardResultSources;
  /** What the provider said of lines by name, where it took none of the shard. */
  readonly #named: ReadonlyMap<number, Failure>;
  readonly #keys: { output: string; errors: string; index: string };
  readonly #output: ObjectWriter;
  readonly #errors: ObjectWriter;
  readonly #entries = new ResultIndexEncoder();
  readonly #counts = { completed: 0, retryable: 0, expired: 0, unexecuted: 0, missing: 0, lost: 0 };

  /** @param token the writer's own. */
  constructor(objects: Objects, token: string, sources: ShardResultSources) {
    const { batchId, round, shard } = sources.shard;
    const keyOf = (part: string) => shardWorkKey(batchId, token, round, shard, part);
    this.#objects = objects;
    this.#sources = sources;
    this.#named = new Map(
      sources.shard.refusal?.lines.map(({ position, code, message }) => [position, { code, message }]),
    );
    this.#keys = { output: keyOf('output.jsonl'), errors: keyOf('errors.jsonl'), index: keyOf('results.index') };
    this.#output = objects.writer(this.#keys.output, { sha256: true });
    this.#errors = objects.writer(this.#keys.errors, { sha256: true });
  }

  async write(): Promise<ShardResult> {
    try {
      for (let position = 0; position < this.#sources.index.length; position += 1) {
        const pending = this.#writeLine(position);
        if (pending) await pending;
      }
      const index = this.#objects.writer(this.#keys.index, { contentType: 'application/octet-stream' });
      await index.write(this.#entries.finish());
      const [output, errors] = await Promise.all([this.#output.close(), this.#errors.close(), index.close()]);
      return this.#describe(output, errors, (await this.#sources.checks?.finish()) ?? null);
    } catch (error) {
      await Promise.all([this.#output.abort(), this.#errors.abort(), this.#sources.checks?.abort()]);
      throw error;
    }
  }

  #writeLine(position: number): PendingWrite {
    const answer = this.#sources.answers.answer(position);
    if (!answer) return this.#writeFailure(position);
    const outcome = { ...answer, unexecuted: false, expired: false, lost: false };
    const bytes = this.#sources.spool.get(position);
    const isChecked = answer.succeeded && this.#sources.checks !== null;
    if (Buffer.isBuffer(bytes) && !isChecked) return this.#put(position, outcome, bytes);
    return this.#putFetched(position, outcome, bytes);
  }

  async #putFetched(position: number, outcome: Outcome, bytes: Buffer | Promise<Buffer>): Promise<void> {
    const fetched = await bytes;
    if (outcome.succeeded) await this.#sources.checks?.add(this.#sources.index.ordinal(position), fetched);
    await this.#put(position, outcome, fetched);
  }

  #writeFailure(position: number): PendingWrite {
    const { isLost, isRetryable, ...failure } = this.#failureOf(position);
    const expired = failure.code === 'batch_expired';
    const outcome = {
      succeeded: false,
      retryable: isRetryable || (isLost && this.#sources.resendsLost),
      unexecuted: expired || failure.code === 'batch_cancelled',
      expired,
      lost: isLost,
    };
    return this.#put(position, outcome, this.#failureLine(position, failure));
  }

  #put(position: number, outcome: Outcome, bytes: Buffer): PendingWrite {
    const ordinal = this.#sources.index.ordinal(position);
    this.#entries.add({ ...outcome, ordinal, byteLength: bytes.length + newlineLength });
    if (outcome.succeeded) this.#counts.completed += 1;
    if (outcome.retryable) this.#counts.retryable += 1;
    if (outcome.expired) this.#counts.expired += 1;
    if (outcome.unexecuted) this.#counts.unexecuted += 1;
    if (outcome.lost) this.#counts.lost += 1;
    return (outcome.succeeded ? this.#output : this.#errors).writeLine(bytes);
  }

  #failureOf(position: number): MissingLines {
    const { answers, missing } = this.#sources;
    const unexecuted = answers.unexecuted(position);
    if (unexecuted) return this.#unexecuted(unexecuted);
    if (answers.isMalformed(position)) return unreadable;
    const named = this.#named.get(position);
    if (named) return { ...named, isLost: false, isRetryable: false };
    if (missing.code === 'result_missing' || missing.code === 'results_unavailable') this.#counts.missing += 1;
    return missing;
  }

  /** What the provider calls cancelled may have been cancelled by us, at the deadline: the shard's end knows why. */
  #unexecuted({ reason, message }: Pick<Unexecuted, 'reason' | 'message'>): MissingLines {
    const { end } = this.#sources.shard;
    const told = { message, isLost: false };
    if (reason === 'expired') return { ...told, code: 'batch_expired', isRetryable: true };
    if (end?.reason === 'expired') return { ...told, code: end.code, message: end.message, isRetryable: true };
    return { ...told, code: 'batch_cancelled', isRetryable: false };
  }

  #failureLine(position: number, failure: Failure): Buffer {
    const { shard, index } = this.#sources;
    const identity = { customId: index.customId(position), format: index.format(position) };
    const attempts = sendingsOf(shard);
    return failureLine(resultLineId(shard.batchId, index.ordinal(position)), identity, failure, {
      attempts,
      line: index.lineNumber(position),
    });
  }

  #describe(output: WrittenObject, errors: WrittenObject, checked: CheckedAnswers | null): ShardResult {
    const { doubled, malformed, foreign, usage, costUsd, sourceSha256 } = this.#sources.answers;
    return {
      ...this.#counts,
      ...(checked && { invalidOutputs: checked.invalidOutputs }),
      ...(checked?.warnings && { warnings: checked.warnings }),
      outputKey: output.bytes > 0 ? this.#keys.output : null,
      errorsKey: errors.bytes > 0 ? this.#keys.errors : null,
      indexKey: this.#keys.index,
      outputBytes: output.bytes,
      errorBytes: errors.bytes,
      outputSha256: output.sha256,
      errorsSha256: errors.sha256,
      failed: this.#sources.index.length - this.#counts.completed,
      doubled,
      malformed,
      foreign,
      usage,
      costUsd,
      sourceSha256,
      rawKeys: [],
    };
  }
}

/** How often a request of the shard was sent so far. */
function sendingsOf({ rereads, round, providerBatchId }: ShardRecord): number {
  return (rereads?.round ?? round) + (providerBatchId === null ? 0 : 1);
}
