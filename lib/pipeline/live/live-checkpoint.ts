import { z } from 'zod';
import { liveWorkKey } from '../../records/object-keys.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';

/** The most that is counted. */
const maxTries = 127;
const answeredFlag = 128;

const liveCheckpointSchema = z.object({
  /** Whose answers count, and in how many groups each slice wrote them. */
  slices: z.array(z.object({ token: z.string(), groups: z.number().int() })),
  /** One byte a line, in base64: tries so far, and whether the last of them is the answer. */
  lines: z.base64(),
});

type Slices = z.infer<typeof liveCheckpointSchema>['slices'];

/** How far a live shard is: which lines are answered, how often each was tried, and where the answers are. */
export class LiveCheckpoint {
  readonly #lines: Uint8Array;
  readonly slices: Slices;

  private constructor(lines: Uint8Array, slices: Slices) {
    this.#lines = lines;
    this.slices = slices;
  }

  static async read(objects: Objects, shard: ShardRecord): Promise<LiveCheckpoint> {
    const key = shard.live?.progressKey ?? null;
    if (key === null) return new LiveCheckpoint(new Uint8Array(shard.lineCount), []);
    const { lines, slices } = liveCheckpointSchema.parse(JSON.parse((await objects.readBytes(key)).toString()));
    return new LiveCheckpoint(Buffer.from(lines, 'base64'), slices);
  }

  isAnswered(position: number): boolean {
    return (this.#byteOf(position) & answeredFlag) !== 0;
  }

  tries(position: number): number {
    return this.#byteOf(position) & maxTries;
  }

  countTry(position: number): void {
    if (this.tries(position) < maxTries) this.#lines[position] = this.#byteOf(position) + 1;
  }

  markAnswered(position: number): void {
    this.#lines[position] = this.#byteOf(position) | answeredFlag;
  }

  countGroup(token: string): void {
    const latest = this.slices.at(-1);
    if (latest?.token === token) latest.groups += 1;
    else this.slices.push({ token, groups: 1 });
  }

  toJson(): string {
    return JSON.stringify({ slices: this.slices, lines: Buffer.from(this.#lines).toString('base64') });
  }

  #byteOf(position: number): number {
    return this.#lines[position] ?? 0;
  }
}

/** Streams all recorded answers of a live shard, as lines of the provider's results. */
export async function* readLiveAnswers(
  objects: Objects,
  shard: ShardRecord,
  { slices }: LiveCheckpoint,
): AsyncGenerator<Uint8Array> {
  for (const { token, groups } of slices)
    for (let group = 0; group < groups; group += 1)
      yield* objects.stream({ bucket: objects.bucket, key: liveWorkKey(shard, token, group, 'answers.jsonl') });
}
