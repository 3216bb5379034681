import { type LineEntry, LineIndexEncoder } from '../../lines/line-index.ts';
import { addDollars, estimateInputTokens, type LineEstimate } from '../../providers/estimate/estimate.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { shardWorkKey } from '../../records/object-keys.ts';
import { newShard, type ShardRecord } from '../../records/shard.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import { allOf, type PendingWrite } from '../../store/pending-writes.ts';
import type { AccountLimits } from './account-limits.ts';
import { LineWriter, type WritableLine } from './line-writer.ts';

/** Where a line goes; lines of the same target share shards. */
export interface ShardTarget {
  provider: string;
  model: string;
  endpoint: Endpoint;
  /** Whether the provider gets other bytes than the customer's with a few values replaced. */
  isTranslated: boolean;
  /** JSON of what its lines say for their whole sending; null for most. */
  shared: string | null;
}

/** A line on its way into a shard. */
export interface ShardedLine {
  entry: LineEntry;
  /** The customer's own. */
  line: WritableLine;
  /** For a translated line: as the provider will get it, with `placeholderLineId`. Null for one that is passed through. */
  translated: Buffer | null;
  /** Its length as the provider will get it. */
  sentBytes: number;
  /** Inputs, for an embedding request; 0 else. */
  embeddingInputs: number;
  /** Whether its answer is to fit a schema. */
  asksForSchema: boolean;
  estimate: Pick<LineEstimate, 'batchUsd' | 'singleUsd'>;
}

/** Shards being filled at a time, each with a part for its lines and one for what is sent: 80 MiB, however many models there are. */
const maxOpenShards = 8;
/** How much of an index is gathered before it is written. */
const indexBytes = 48 * 1024;

/** What earlier runs have written of the shards with which a run goes on. */
export interface EarlierShards {
  shards: readonly ShardRecord[];
  /** Yields the lines of one of them. */
  linesOf(shard: ShardRecord): AsyncIterable<ShardedLine>;
}

/**
 * Distributes lines over shards that one provider batch accepts, and writes each shard's lines and index as work
 * objects under the writer's own token. Lines keep their order within a target.
 *
 * A run that stops ends its shards, whatever they hold. One that is too small for its provider would go as single calls, at their
 * price: a later run with lines of the same target fills it up.
 */
export class ShardWriter {
  readonly #objects: Objects;
  readonly #round: { batchId: string; round: number; token: string };
  readonly #limitsOf: (provider: string) => AccountLimits;
  readonly #queues = new Map<string, ShardQueue>();
  readonly #open = new Set<ShardQueue>();
  readonly #finished: ShardRecord[] = [];
  readonly #earlier: EarlierShards;
  /** The last shard of each target that earlier runs have written. */
  readonly #lastOf = new Map<string, ShardRecord>();
  #uses = 0;
  #next = 0;

  constructor(
    objects: Objects,
    place: { batchId: string; round: number; token: string },
    limitsOf: (provider: string) => AccountLimits,
    earlier: EarlierShards,
  ) {
    this.#earlier = earlier;
    this.#finished.push(...earlier.shards);
    this.#next = earlier.shards.length;
    for (const shard of earlier.shards) {
      const { provider, model, endpoint } = shard;
      if (provider !== null)
        this.#lastOf.set(
          nameOf({ provider, model, endpoint, isTranslated: shard.sentKey !== null, shared: shard.shared ?? null }),
          shard,
        );
    }
    this.#objects = objects;
    this.#round = place;
    this.#limitsOf = limitsOf;
  }

  /** Shards so far, of earlier runs too. */
  get begun(): number {
    return this.#next;
  }

  /** Where lines of one target are put; ask once for many lines. */
  queue(target: ShardTarget): ShardQueue {
    const name = nameOf(target);
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new ShardQueue(target, this.#limitsOf(target.provider));
    this.#queues.set(name, queue);
    return queue;
  }

  /** @returns what is to be awaited before the next line. */
  add(queue: ShardQueue, line: ShardedLine): PendingWrite {
    if (!queue.hasRoomFor(line)) return this.#addToNew(queue, line);
    this.#uses += 1;
    queue.lastUse = this.#uses;
    return queue.add(line);
  }

  /** @returns all shards in the order in which they were begun, those of earlier runs too, as one set. */
  async finish(): Promise<ShardRecord[]> {
    for (const queue of [...this.#open]) await this.#close(queue);
    const set = this.#round.token;
    return this.#finished.map((shard) => ({ ...shard, set })).toSorted((left, right) => left.shard - right.shard);
  }

  async abort(): Promise<void> {
    await Promise.all([...this.#open].map((queue) => queue.abort()));
  }

  async #addToNew(queue: ShardQueue, line: ShardedLine): Promise<void> {
    await this.#close(queue);
    if (this.#open.size >= maxOpenShards) {
      const [longestUnused] = [...this.#open].toSorted((one, other) => one.lastUse - other.lastUse);
      if (longestUnused) await this.#close(longestUnused);
    }
    await this.#openSmall(queue);
    if (!queue.hasRoomFor(line)) {
      await this.#close(queue);
      this.#begin(queue, this.#next);
      this.#next += 1;
    }
    await queue.add(line);
  }

  #begin(queue: ShardQueue, shard: number): void {
    queue.open(new OpenShard(this.#objects, { ...this.#round, shard }, queue.target));
    this.#open.add(queue);
    this.#uses += 1;
    queue.lastUse = this.#uses;
  }

  /** Writes an earlier run's last shard of the target anew, in its place, if that is too small for its provider. */
  async #openSmall(queue: ShardQueue): Promise<void> {
    const name = nameOf(queue.target);
    const last = this.#lastOf.get(name);
    this.#lastOf.delete(name);
    // An account for single calls alone has no minimum that any shard reaches.
    const { minRequests = 0, maxRequests } = queue.limits;
    if (!last || last.lineCount >= minRequests || minRequests > maxRequests) return;
    this.#begin(queue, last.shard);
    for await (const line of this.#earlier.linesOf(last)) await queue.add(line);
    this.#finished.splice(this.#finished.indexOf(last), 1);
  }

  async #close(queue: ShardQueue): Promise<void> {
    this.#open.delete(queue);
    const shard = await queue.close();
    if (shard) this.#finished.push(shard);
  }
}

function nameOf({ provider, model, endpoint, isTranslated, shared }: ShardTarget): string {
  return JSON.stringify([provider, model, endpoint, isTranslated, shared]);
}

/** The shards of one target, of which one is being filled. */
export class ShardQueue {
  readonly target: ShardTarget;
  readonly limits: AccountLimits;
  /** Greater than that of any queue that was used before. */
  lastUse = 0;
  #shard: OpenShard | null = null;

  constructor(target: ShardTarget, limits: AccountLimits) {
    this.target = target;
    this.limits = limits;
  }

  hasRoomFor(line: ShardedLine): boolean {
    return this.#shard?.hasRoomFor(line, this.limits) ?? false;
  }

  open(shard: OpenShard): void {
    this.#shard = shard;
  }

  add(line: ShardedLine): PendingWrite {
    return this.#shard?.add(line, this.limits);
  }

  async close(): Promise<ShardRecord | null> {
    const closed = await this.#shard?.close();
    this.#shard = null;
    return closed ?? null;
  }

  async abort(): Promise<void> {
    await this.#shard?.abort();
  }
}

interface ShardIdentity {
  batchId: string;
  round: number;
  token: string;
  shard: number;
}

/** A shard whose lines are being written; they are there once it is closed. */
export class OpenShard {
  readonly #identity: ShardIdentity;
  readonly #target: ShardTarget;
  readonly #keys: { lines: string; index: string; sent: string };
  readonly #lines: LineWriter;
  readonly #sent: ObjectWriter | null;
  readonly #index: ObjectWriter;
  readonly #entries = new LineIndexEncoder();
  #hasSchemas = false;
  #lineCount = 0;
  #firstOrdinal = 0;
  #lastOrdinal = 0;
  #bytes = 0;
  #sentBytes = 0;
  #embeddingInputs = 0;
  #tokens = 0;
  #batchUsd: number | null = 0;
  #singleUsd: number | null = 0;

  constructor(objects: Objects, place: ShardIdentity, target: ShardTarget) {
    const keyOf = (part: string) => shardWorkKey(place.batchId, place.token, place.round, place.shard, part);
    this.#identity = place;
    this.#target = target;
    this.#keys = { lines: keyOf('lines.jsonl'), index: keyOf('lines.index'), sent: keyOf('sent.jsonl') };
    this.#lines = new LineWriter(objects.writer(this.#keys.lines));
    this.#sent = target.isTranslated ? objects.writer(this.#keys.sent) : null;
    this.#index = objects.writer(this.#keys.index, { contentType: 'application/octet-stream' });
  }

  hasRoomFor(line: ShardedLine, limits: AccountLimits): boolean {
    const inputs = this.#embeddingInputs + line.embeddingInputs;
    const tokens = this.#tokens + estimateInputTokens(line.sentBytes);
    return (
      this.#lineCount < limits.maxRequests &&
      limits.overheadBytes.batch + this.#sentBytes + line.sentBytes + limits.overheadBytes.line <= limits.maxBytes &&
      (limits.maxEmbeddingInputs === null || inputs <= limits.maxEmbeddingInputs) &&
      (limits.maxEnqueuedTokens === null || tokens <= limits.maxEnqueuedTokens)
    );
  }

  add(line: ShardedLine, limits: AccountLimits): PendingWrite {
    if (this.#lineCount === 0) this.#firstOrdinal = line.entry.ordinal;
    this.#lastOrdinal = line.entry.ordinal;
    this.#lineCount += 1;
    this.#bytes += line.entry.byteLength + 1;
    this.#sentBytes += line.sentBytes + limits.overheadBytes.line;
    this.#embeddingInputs += line.embeddingInputs;
    this.#tokens += estimateInputTokens(line.sentBytes);
    this.#batchUsd = addDollars(this.#batchUsd, line.estimate.batchUsd);
    this.#singleUsd = addDollars(this.#singleUsd, line.estimate.singleUsd);
    this.#entries.add(line.entry);
    this.#hasSchemas ||= line.asksForSchema;
    const lines = this.#lines.write(line.line);
    const sent = line.translated ? this.#sent?.writeLine(line.translated) : undefined;
    const index = this.#entries.length > indexBytes ? this.#index.write(this.#entries.take()) : undefined;
    return allOf(allOf(lines, sent), index);
  }

  async close(): Promise<ShardRecord> {
    await this.#index.write(this.#entries.take());
    await Promise.all([this.#lines.close(), this.#sent?.close(), this.#index.close()]);
    const { provider, model, endpoint, shared } = this.#target;
    const { batchId, round, token, shard } = this.#identity;
    return newShard({
      batchId,
      round,
      set: token,
      shard,
      provider,
      model,
      endpoint,
      lineCount: this.#lineCount,
      ordinals: { first: this.#firstOrdinal, last: this.#lastOrdinal },
      bytes: this.#bytes,
      estimatedTokens: this.#tokens,
      estimatedUsd: this.#batchUsd,
      estimatedSingleUsd: this.#singleUsd,
      ...(shared !== null && { shared }),
      ...(this.#hasSchemas && { hasSchemas: true }),
      linesKey: this.#keys.lines,
      sentKey: this.#sent ? this.#keys.sent : null,
      indexKey: this.#keys.index,
    });
  }

  async abort(): Promise<void> {
    await Promise.all([this.#lines.abort(), this.#sent?.abort(), this.#index.abort()]);
  }
}
