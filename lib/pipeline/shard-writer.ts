import type { Endpoint } from '../core/endpoints.ts';
import { shardWorkKey } from '../core/keys.ts';
import { encodeLineEntry, type LineEntry } from '../core/line-index.ts';
import { newShard, type ShardRecord } from '../core/shard.ts';
import type { ProviderLimits } from '../providers/provider.ts';
import type { ObjectWriter } from '../store/object-writer.ts';
import type { Objects } from '../store/objects.ts';

/** Where a line goes; lines of the same target share shards. */
export interface ShardTarget {
  provider: string;
  model: string;
  endpoint: Endpoint;
}

/** A line on its way into a shard. */
export interface PlacedLine {
  entry: LineEntry;
  bytes: Buffer;
  /** Its length as the provider will get it. */
  sentBytes: number;
  /** Inputs, for an embedding request; 0 else. */
  embeddingInputs: number;
}

/** Shards being filled at a time: with two buffers of up to 8 MiB each, memory stays bounded however many models there are. */
const maxOpenShards = 8;

/**
 * Distributes lines over shards that one provider batch accepts, and writes each shard's lines and index as work
 * objects under the writer's own token. Lines keep their order within a target.
 */
export class ShardWriter {
  readonly #objects: Objects;
  readonly #place: { batchId: string; round: number; token: string };
  readonly #limitsOf: (provider: string) => ProviderLimits;
  readonly #open = new Map<string, OpenShard>();
  readonly #finished: ShardRecord[] = [];
  #next = 0;

  constructor(
    objects: Objects,
    place: { batchId: string; round: number; token: string },
    limitsOf: (provider: string) => ProviderLimits,
  ) {
    this.#objects = objects;
    this.#place = place;
    this.#limitsOf = limitsOf;
  }

  async add(target: ShardTarget, line: PlacedLine): Promise<void> {
    const key = JSON.stringify([target.provider, target.model, target.endpoint]);
    const limits = this.#limitsOf(target.provider);
    const open = this.#open.get(key);
    const shard = open?.hasRoomFor(line, limits) ? open : await this.#replace(key, target, open);
    this.#open.delete(key);
    this.#open.set(key, shard); // the map's order is that of last use
    await shard.add(line, limits);
  }

  /** @returns all shards in the order in which they were begun. */
  async finish(): Promise<ShardRecord[]> {
    for (const shard of this.#open.values()) this.#finished.push(await shard.close());
    this.#open.clear();
    return this.#finished.toSorted((left, right) => left.shard - right.shard);
  }

  async abort(): Promise<void> {
    await Promise.all([...this.#open.values()].map((shard) => shard.abort()));
  }

  async #replace(key: string, target: ShardTarget, full: OpenShard | undefined): Promise<OpenShard> {
    if (full) await this.#close(key, full);
    const [leastUsedKey, leastUsed] = this.#open.entries().next().value ?? [];
    if (this.#open.size >= maxOpenShards && leastUsedKey !== undefined && leastUsed)
      await this.#close(leastUsedKey, leastUsed);
    const shard = new OpenShard(this.#objects, { ...this.#place, shard: this.#next }, target);
    this.#next += 1;
    return shard;
  }

  async #close(key: string, shard: OpenShard): Promise<void> {
    this.#open.delete(key);
    this.#finished.push(await shard.close());
  }
}

interface ShardPlace {
  batchId: string;
  round: number;
  token: string;
  shard: number;
}

class OpenShard {
  readonly #place: ShardPlace;
  readonly #target: ShardTarget;
  readonly #lines: ObjectWriter;
  readonly #index: ObjectWriter;
  readonly #keys: { lines: string; index: string };
  #lineCount = 0;
  #sentBytes = 0;
  #embeddingInputs = 0;

  constructor(objects: Objects, place: ShardPlace, target: ShardTarget) {
    const keyOf = (part: string) => shardWorkKey(place.batchId, place.token, place.round, place.shard, part);
    this.#place = place;
    this.#target = target;
    this.#keys = { lines: keyOf('lines.jsonl'), index: keyOf('lines.index') };
    this.#lines = objects.writer(this.#keys.lines);
    this.#index = objects.writer(this.#keys.index, 'application/octet-stream');
  }

  hasRoomFor(line: PlacedLine, limits: ProviderLimits): boolean {
    const inputs = this.#embeddingInputs + line.embeddingInputs;
    return (
      this.#lineCount < limits.maxRequests &&
      limits.overheadBytes.batch + this.#sentBytes + line.sentBytes + limits.overheadBytes.line <= limits.maxBytes &&
      (limits.maxEmbeddingInputs === null || inputs <= limits.maxEmbeddingInputs)
    );
  }

  async add(line: PlacedLine, limits: ProviderLimits): Promise<void> {
    this.#lineCount += 1;
    this.#sentBytes += line.sentBytes + limits.overheadBytes.line;
    this.#embeddingInputs += line.embeddingInputs;
    await this.#lines.writeLine(line.bytes);
    await this.#index.write(encodeLineEntry(line.entry));
  }

  async close(): Promise<ShardRecord> {
    const [lines] = await Promise.all([this.#lines.close(), this.#index.close()]);
    const { batchId, round, token, shard } = this.#place;
    return newShard({
      batchId,
      round,
      set: token,
      shard,
      ...this.#target,
      lineCount: this.#lineCount,
      bytes: lines.bytes,
      linesKey: this.#keys.lines,
      indexKey: this.#keys.index,
    });
  }

  async abort(): Promise<void> {
    await Promise.all([this.#lines.abort(), this.#index.abort()]);
  }
}
