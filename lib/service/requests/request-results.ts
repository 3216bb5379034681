import { ResultIndex } from '../../lines/line-index.ts';
import { blockBytes, placesIn, requestsPerBlock } from '../../lines/result-places.ts';
import type { Services } from '../../pipeline/services.ts';
import { readIndex } from '../../pipeline/shards/shard-lines.ts';
import type { BatchRecord, S3Object } from '../../records/batch.ts';
import type { RequestStatus } from '../../records/batch-request.ts';
import { ConflictError } from '../../records/errors.ts';
import { hasExpired } from '../../records/file.ts';
import { resultKey } from '../../records/object-keys.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';
import type { BytePlace } from './byte-places.ts';
import { mayHold, type OrdinalRange } from './request-lines.ts';

/** What became of a request so far. */
export interface RequestOutcome {
  ordinal: number;
  status: RequestStatus;
  /** Whether it failed for no fault of its own. */
  isRetryable: boolean;
  /** Its result line; null where it has none, or none that is still kept. */
  place: BytePlace | null;
}

/** What became of the requests of a batch. */
export interface RequestResults {
  /** In the order of the input. */
  outcomes(range: OrdinalRange): Promise<RequestOutcome[]>;
}

/**
 * Finds what became of a batch's requests: after its end in its result files, by the index beside them, and before by what its shards
 * have collected.
 *
 * @param rounds the shards of all rounds that hold requests.
 * @throws ConflictError for a batch that ended under a release without that index, and whose work is not kept any more.
 */
export async function openResults(
  services: Services,
  batch: BatchRecord,
  rounds: readonly ShardRecord[],
): Promise<RequestResults> {
  if (!hasEnded(batch.status)) return new ShardResults(services.objects, rounds);
  const { objects } = services;
  const indexKey = resultKey(batch.id, 'index');
  if (await objects.head(indexKey))
    return new PlacedResults(objects, indexKey, {
      output: await resultFile(services, batch.outputFileId),
      errors: await resultFile(services, batch.errorFileId),
    });
  const [first] = rounds;
  if (first && !(await objects.head(first.indexKey)))
    throw new ConflictError(
      `Batch '${batch.id}' ended under an earlier release, and its work is not kept any more, so its requests cannot be listed. Its output file and its error file have what became of them.`,
    );
  return new ShardResults(objects, rounds);
}

/** @returns null for a file that is not there any more. */
async function resultFile(services: Services, fileId: string | null): Promise<S3Object | null> {
  const file = fileId === null ? null : await services.records.findFile(fileId);
  return file && !hasExpired(file, services.now()) ? (file.objects[0] ?? null) : null;
}

/** Those of a batch that has ended. */
class PlacedResults implements RequestResults {
  readonly #objects: Objects;
  readonly #indexKey: string;
  readonly #files: { output: S3Object | null; errors: S3Object | null };

  constructor(objects: Objects, indexKey: string, files: { output: S3Object | null; errors: S3Object | null }) {
    this.#objects = objects;
    this.#indexKey = indexKey;
    this.#files = files;
  }

  async outcomes({ first, end }: OrdinalRange): Promise<RequestOutcome[]> {
    const firstBlock = Math.floor(first / requestsPerBlock);
    const blocks = Math.ceil(end / requestsPerBlock) - firstBlock;
    const index = { bucket: this.#objects.bucket, key: this.#indexKey };
    const bytes = await this.#objects.readRange(index, firstBlock * blockBytes, blocks * blockBytes);
    const outcomes: RequestOutcome[] = [];
    for (const { ordinal, succeeded, retryable, start, byteLength } of placesIn(bytes, firstBlock)) {
      if (ordinal < first || ordinal >= end) continue;
      const file = succeeded ? this.#files.output : this.#files.errors;
      outcomes.push({
        ordinal,
        status: succeeded ? 'completed' : 'failed',
        isRetryable: retryable,
        place: file && { bucket: file.bucket, key: file.key, etag: file.etag, start, bytes: byteLength - 1 },
      });
    }
    return outcomes;
  }
}

/** Those that the shards have, each as its last sending has it. */
class ShardResults implements RequestResults {
  readonly #objects: Objects;
  /** Earlier rounds first. */
  readonly #shards: readonly ShardRecord[];
  /** Of the shards of the last range: 9 bytes a request. */
  #indexes = new Map<string, ResultIndex>();

  constructor(objects: Objects, shards: readonly ShardRecord[]) {
    this.#objects = objects;
    this.#shards = shards.toSorted((left, right) => left.round - right.round);
  }

  async outcomes(range: OrdinalRange): Promise<RequestOutcome[]> {
    const { first, end } = range;
    const outcomes = Array.from({ length: end - first }, (_, place) => running(first + place));
    const shards = this.#shards.filter((one) => mayHold(one, range));
    const needed = new Set(shards.map(({ result }) => result?.indexKey));
    this.#indexes = new Map([...this.#indexes].filter(([key]) => needed.has(key)));
    for (const shard of shards)
      for await (const outcome of this.#outcomesOf(shard, range)) outcomes[outcome.ordinal - first] = outcome;
    return outcomes;
  }

  async *#outcomesOf(shard: ShardRecord, { first, end }: OrdinalRange): AsyncGenerator<RequestOutcome> {
    const { result } = shard;
    if (!result) {
      // Whatever the first round holds runs unless something else is known.
      if (shard.round === 0) return;
      const index = await readIndex(this.#objects, shard);
      for (let position = 0; position < index.length && index.ordinal(position) < end; position += 1)
        if (index.ordinal(position) >= first) yield running(index.ordinal(position));
      return;
    }
    const index = await this.#indexOf(result.indexKey);
    const starts = { output: 0, errors: 0 };
    for (let position = 0; position < index.length && index.ordinal(position) < end; position += 1) {
      const { ordinal, succeeded, retryable, byteLength } = index.entry(position);
      const file = succeeded ? 'output' : 'errors';
      const key = succeeded ? result.outputKey : result.errorsKey;
      const place = { bucket: this.#objects.bucket, key: key ?? '', start: starts[file], bytes: byteLength - 1 };
      starts[file] += byteLength;
      const status = succeeded ? 'completed' : 'failed';
      if (ordinal >= first) yield { ordinal, status, isRetryable: retryable, place };
    }
  }

  async #indexOf(key: string): Promise<ResultIndex> {
    const known = this.#indexes.get(key);
    if (known) return known;
    const index = new ResultIndex(await this.#objects.readBytes(key));
    this.#indexes.set(key, index);
    return index;
  }
}

function running(ordinal: number): RequestOutcome {
  return { ordinal, status: 'in_progress', isRetryable: false, place: null };
}
