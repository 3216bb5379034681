import type { LineIndex } from '../../lines/line-index.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';
import { readSentLines } from '../shards/shard-lines.ts';
import type { LiveCheckpoint } from './live-checkpoint.ts';

/** A request that is to be sent by a call of its own. */
export interface LiveLine {
  position: number;
  /** As the provider gets it, under its line id. */
  bytes: Buffer;
}

const newline = 0x0a;

/** Streams the lines of a live shard that have no answer yet, in its order. */
export async function* unansweredLines(
  objects: Objects,
  shard: ShardRecord,
  sources: { index: LineIndex; prefix: string; checkpoint: LiveCheckpoint },
): AsyncGenerator<LiveLine> {
  const { index, prefix, checkpoint } = sources;
  let position = 0;
  for await (const piece of readSentLines(objects, shard, index, { prefix, model: shard.model, separator: '\n' })) {
    for (let at = 0; at < piece.length; position += 1) {
      const found = piece.indexOf(newline, at);
      const end = found < 0 ? piece.length : found;
      // A copy, since the piece is good only until the next one.
      if (!checkpoint.isAnswered(position)) yield { position, bytes: Buffer.from(piece.subarray(at, end)) };
      at = end + 1;
    }
  }
}
