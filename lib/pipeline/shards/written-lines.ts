import { answerSchemaOf } from '../../lines/answer-schema.ts';
import { embeddingInputs } from '../../lines/embedding-inputs.ts';
import { passedBytes } from '../../lines/passed-lines.ts';
import { Estimator } from '../../providers/estimate/estimate.ts';
import type { BatchOptions } from '../../records/options.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';
import type { Account } from '../services.ts';
import { readIndex, readShardLines, readTranslatedLines, requestOf, type ShardLine } from './shard-lines.ts';
import type { ShardedLine } from './shard-writer.ts';

/** A shard's line on its way into another shard. */
export interface WrittenLine extends ShardedLine {
  /** In the shard that it comes from. */
  position: number;
}

/** Yields the lines of a shard, with the bytes that its provider gets, so that another shard can take them. */
export async function* writtenLines(
  objects: Objects,
  account: Account,
  options: BatchOptions,
  shard: ShardRecord,
): AsyncGenerator<WrittenLine> {
  const estimator = new Estimator(account, shard.model, options);
  const translatedLines = shard.sentKey === null ? null : readTranslatedLines(objects, shard.sentKey);
  for await (const lines of readShardLines(objects, shard, await readIndex(objects, shard))) {
    for (const line of lines) {
      const request = requestOf(line, shard);
      const translated = translatedLines && (await nextOf(translatedLines, line));
      const sentBytes = translated?.length ?? passedBytes(line.bytes.length, request.spans, shard.model, request.model);
      const estimate = estimator.estimate(request, sentBytes);
      const { entry, position } = line;
      const asksForSchema = answerSchemaOf(request.body) !== null;
      const inputs = embeddingInputs(request);
      yield { position, entry, line, translated, sentBytes, embeddingInputs: inputs, asksForSchema, estimate };
    }
  }
}

async function nextOf(lines: AsyncGenerator<Buffer>, { position }: ShardLine): Promise<Buffer> {
  const { value, done } = await lines.next();
  if (done) throw new Error(`There is no translation of line ${position}.`);
  return value;
}
