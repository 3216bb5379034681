import { isOverlong, type Line, type OverlongLine } from '../../lines/jsonl.ts';
import { type LineEntry, LineIndexEncoder, ResultIndexEncoder } from '../../lines/line-index.ts';
import type { LineFormat } from '../../lines/request-line.ts';
import { failureLine, resultLineId } from '../../lines/result-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { shardWorkKey } from '../../records/object-keys.ts';
import type { LineError } from '../../records/openai-batch.ts';
import { markCollected, newShard, type ShardRecord } from '../../records/shard.ts';
import { noUsage } from '../../records/usage.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';

interface RefusedLine {
  ordinal: number;
  line: Line | OverlongLine;
  format: LineFormat;
  /** Null where the line has none, or another line has it already. */
  customId: string | null;
  error: LineError;
}

/**
 * The lines that validation refused and that the batch's options turn into error lines: a shard that no provider sees,
 * with its results from the start.
 */
export class RefusedLines {
  readonly #objects: Objects;
  readonly #target: { batchId: string; token: string; endpoint: Endpoint };
  readonly #entries = new LineIndexEncoder();
  readonly #results = new ResultIndexEncoder();
  #lineCount = 0;
  readonly #lines: ObjectWriter;
  readonly #index: ObjectWriter;
  readonly #errors: ObjectWriter;
  readonly #keys: { lines: string; index: string; errors: string; results: string };

  constructor(objects: Objects, place: { batchId: string; token: string; endpoint: Endpoint }) {
    const keyOf = (part: string) => shardWorkKey(place.batchId, place.token, 0, 0, `refused-${part}`);
    this.#objects = objects;
    this.#target = place;
    this.#keys = {
      lines: keyOf('lines.jsonl'),
      index: keyOf('lines.index'),
      errors: keyOf('errors.jsonl'),
      results: keyOf('results.index'),
    };
    this.#lines = objects.writer(this.#keys.lines);
    this.#index = objects.writer(this.#keys.index);
    this.#errors = objects.writer(this.#keys.errors, { sha256: true });
  }

  async add(refused: RefusedLine): Promise<void> {
    const { ordinal, line, format, customId, error } = refused;
    // Of a row the message says it already.
    const isRow = isOverlong(line) && line.refusal !== undefined;
    const message = isRow ? error.message : `Line ${line.lineNumber}: ${error.message}`;
    const identity = { customId, format };
    const bytes = failureLine(
      resultLineId(this.#target.batchId, ordinal),
      identity,
      { code: error.code, message },
      { attempts: 0, line: line.lineNumber },
    );
    const original = line.bytes ?? Buffer.alloc(0);
    await this.#lines.writeLine(original);
    this.#entries.add(entryOf(refused, original.length));
    await this.#index.write(this.#entries.take());
    await this.#errors.writeLine(bytes);
    this.#lineCount += 1;
    this.#results.add({
      ordinal,
      succeeded: false,
      retryable: false,
      unexecuted: false,
      expired: false,
      lost: false,
      byteLength: bytes.length + 1,
    });
  }

  /** @param shard its place in the round, after the others. */
  async finish(shard: number): Promise<ShardRecord> {
    const results = this.#objects.writer(this.#keys.results);
    await results.write(this.#results.finish());
    const [lines, , errors] = await Promise.all([
      this.#lines.close(),
      this.#index.close(),
      this.#errors.close(),
      results.close(),
    ]);
    const { batchId, token, endpoint } = this.#target;
    const lineCount = this.#lineCount;
    const plan = newShard({
      batchId,
      round: 0,
      set: token,
      shard,
      provider: null,
      model: '',
      endpoint,
      lineCount,
      bytes: lines.bytes,
      estimatedTokens: 0,
      linesKey: this.#keys.lines,
      sentKey: null,
      indexKey: this.#keys.index,
    });
    const result = {
      outputKey: null,
      errorsKey: this.#keys.errors,
      indexKey: this.#keys.results,
      outputBytes: 0,
      errorBytes: errors.bytes,
      outputSha256: null,
      errorsSha256: errors.sha256,
      completed: 0,
      failed: lineCount,
      retryable: 0,
      expired: 0,
      unexecuted: 0,
      doubled: 0,
      malformed: 0,
      foreign: 0,
      missing: 0,
      lost: 0,
      usage: noUsage,
      rawKeys: [],
      sourceSha256: [],
    };
    return markCollected(plan, result, null);
  }

  async abort(): Promise<void> {
    await Promise.all([this.#lines.abort(), this.#index.abort(), this.#errors.abort()]);
  }
}

function entryOf(refused: RefusedLine, byteLength: number): LineEntry {
  const nowhere = { start: 0, end: 0 };
  return {
    ordinal: refused.ordinal,
    lineNumber: refused.line.lineNumber,
    byteLength,
    format: refused.format,
    spans: { customId: nowhere, model: nowhere },
    customId: refused.customId,
  };
}
