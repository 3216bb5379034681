import { answerSchemaOf } from '../../lines/answer-schema.ts';
import type { LineIndex } from '../../lines/line-index.ts';
import { outcomeOf } from '../../lines/result-outcome.ts';
import { verdictOn } from '../../lines/verdict.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { sha256 } from '../../records/digest.ts';
import { safeText } from '../../records/errors.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { shardWorkKey } from '../../records/object-keys.ts';
import { parseJson } from '../../records/parse-json.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import type { PendingWrite } from '../../store/pending-writes.ts';
import type { SchemaCheck } from '../../tables/schema-check.ts';
import { textProblem, type ValueCheck } from '../../tables/text-problem.ts';
import { readShardLines, requestOf, type ShardLine } from '../shards/shard-lines.ts';

/** Validators in memory at a time. */
const maxCompiled = 64;
/** Schemas compiled for one shard: at some 10 ms each, 10 seconds of a run. What comes behind them is not checked. */
const maxCompilations = 1_000;

/** What the check of a shard's answers gave. */
export interface CheckedAnswers {
  invalidOutputs: number;
  /** Lines for `warnings.jsonl`: one for each such answer, and one for each schema that was not checked. */
  warnings: { key: string; bytes: number; count: number } | null;
}

/** Whether answers of the shard are to be held against schemas here; those of a table are when its results table is made. */
export function hasAnswersToCheck(batch: BatchRecord, shard: ShardRecord): boolean {
  return shard.hasSchemas === true && batch.table === null && batch.options.check !== 'none';
}

/**
 * Holds the answers of a shard against the schemas that their requests ask for. It reports and changes nothing: a schema that cannot be
 * checked is a warning, and so is an answer that does not fit.
 */
export class AnswerChecks {
  readonly #shard: ShardRecord;
  readonly #requests: AsyncGenerator<ShardLine[]>;
  readonly #compile: (schema: JsonObject) => SchemaCheck;
  readonly #key: string;
  readonly #writer: ObjectWriter;
  /** By the schema's hash, the latest used last. */
  readonly #compiled = new Map<string, SchemaCheck>();
  /** Those of which it was said that they are not checked. */
  readonly #unchecked = new Set<string>();
  #compilations = 0;
  #isFull = false;
  #lines: ShardLine[] = [];
  #at = 0;
  #invalidOutputs = 0;
  #count = 0;

  private constructor(
    objects: Objects,
    key: string,
    sent: { shard: ShardRecord; index: LineIndex },
    compile: (schema: JsonObject) => SchemaCheck,
  ) {
    this.#shard = sent.shard;
    this.#requests = readShardLines(objects, sent.shard, sent.index);
    this.#compile = compile;
    this.#key = key;
    this.#writer = objects.writer(key);
  }

  /**
   * @param shard whose results are collected.
   * @param token the run's own.
   * @param sent the shard as it was sent, which holds the requests.
   */
  static async open(
    objects: Objects,
    { batchId, round, shard }: ShardRecord,
    token: string,
    sent: { shard: ShardRecord; index: LineIndex },
  ): Promise<AnswerChecks> {
    // The validator is loaded by those who have a schema.
    const { compileCheck } = await import('../../tables/schema-check.ts');
    const key = shardWorkKey(batchId, token, round, shard, 'warnings.jsonl');
    return new AnswerChecks(objects, key, sent, compileCheck);
  }

  /**
   * Checks the answer to one request.
   *
   * @param ordinal of the request in the batch; they ascend.
   * @param result its result line.
   */
  async add(ordinal: number, result: Buffer): Promise<void> {
    const line = await this.#requestAt(ordinal);
    const schema = answerSchemaOf(requestOf(line, this.#shard).body);
    if (schema === null) return;
    const check = await this.#checkFor(schema, line);
    if (check === null) return;
    const parsed = parseJson(result.toString('utf8'));
    const outcome = isObject(parsed) ? outcomeOf(parsed) : null;
    if (!outcome?.answered) return;
    const verdict = verdictOn(outcome.body, (text) => textProblem(text, false, check));
    if (verdict.usable) return;
    this.#invalidOutputs += 1;
    await this.#warn(line, verdict.code, `The answer cannot be used: ${verdict.message}.`);
  }

  async finish(): Promise<CheckedAnswers> {
    await this.#requests.return(undefined);
    const invalidOutputs = this.#invalidOutputs;
    if (this.#count === 0) {
      await this.#writer.abort();
      return { invalidOutputs, warnings: null };
    }
    const { bytes } = await this.#writer.close();
    return { invalidOutputs, warnings: { key: this.#key, bytes, count: this.#count } };
  }

  async abort(): Promise<void> {
    await this.#requests.return(undefined);
    await this.#writer.abort();
  }

  async #requestAt(ordinal: number): Promise<ShardLine> {
    for (;;) {
      for (; this.#at < this.#lines.length; this.#at += 1) {
        const line = this.#lines[this.#at];
        if (line?.entry.ordinal === ordinal) return line;
      }
      const { value, done } = await this.#requests.next();
      if (done) throw new Error(`The shard's lines have no request ${ordinal}.`);
      this.#lines = value;
      this.#at = 0;
    }
  }

  /** @returns null for a schema that is not checked; the first answer to it says so. */
  async #checkFor(schema: JsonObject, line: ShardLine): Promise<ValueCheck | null> {
    const hash = sha256(JSON.stringify(schema));
    if (this.#unchecked.has(hash)) return null;
    const known = this.#compiled.get(hash);
    if (!known && this.#compilations >= maxCompilations) {
      if (!this.#isFull) await this.#warn(line, 'schema_unchecked', tooManySchemas);
      this.#isFull = true;
      return null;
    }
    if (!known) this.#compilations += 1;
    const check = known ?? this.#compile(schema);
    if ('unchecked' in check) {
      this.#unchecked.add(hash);
      const why = `Answers are not held against this request's schema, nor against the same one of others: ${check.unchecked}.`;
      await this.#warn(line, 'schema_unchecked', why);
      return null;
    }
    this.#compiled.delete(hash);
    this.#compiled.set(hash, check);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > maxCompiled && oldest !== undefined) this.#compiled.delete(oldest);
    return check;
  }

  #warn({ entry }: ShardLine, code: string, message: string): PendingWrite {
    this.#count += 1;
    const warning = {
      line: entry.lineNumber,
      custom_id: entry.customId,
      param: null,
      code,
      message: safeText(message),
    };
    return this.#writer.writeLine(Buffer.from(JSON.stringify(warning)));
  }
}

const tooManySchemas = `From this request on, answers are not held against schemas that are new: ${maxCompilations} were compiled for the requests before it that went together.`;
