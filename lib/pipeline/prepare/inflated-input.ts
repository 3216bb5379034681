import { z } from 'zod';
import { inflated } from '../../lines/inflate.ts';
import { type BatchRecord, type S3Object, s3ObjectSchema } from '../../records/batch.ts';
import { prepareWorkKey } from '../../records/object-keys.ts';
import type { Compression } from '../../records/table-kind.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import { readPartsFrom } from '../joined-objects.ts';
import { assertBytesWithinMaximum } from '../maxima.ts';
import type { RunBudget } from '../run-budget.ts';
import type { Services } from '../services.ts';
import type { RunningMd5 } from './running-md5.ts';

/** What of a compressed input lies inflated in work objects. */
export const inflatedInputSchema = z.object({ parts: z.array(s3ObjectSchema), isWhole: z.boolean() });
export type InflatedInput = z.infer<typeof inflatedInputSchema>;

/** Of a work object: a run that ends leaves no more than that to be inflated once again. */
const maxPartBytes = 256 * 1024 * 1024;

/**
 * Inflates a compressed input into work objects, or a part of it. A compressed stream cannot be entered in its midst, so a further run
 * inflates it from its beginning and passes over what stands already: that takes a fraction of the time that writing took.
 *
 * @param md5 takes in the compressed bytes, from the first one on.
 * @throws InvalidInputError `invalid_compression`, `above_maximum`
 */
export async function inflateInput(
  { objects, config }: Pick<Services, 'objects' | 'config'>,
  batch: Pick<BatchRecord, 'id' | 'input'>,
  run: { token: string; budget: RunBudget; md5: RunningMd5 | null },
  { parts, form, earlier }: { parts: readonly S3Object[]; form: Compression; earlier: InflatedInput | null },
): Promise<InflatedInput> {
  const written = [...(earlier?.parts ?? [])];
  const standing = written.reduce((sum, part) => sum + part.bytes, 0);
  const compressed = readPartsFrom(objects, parts, 0);
  let writer: ObjectWriter | undefined;
  const endPart = async () => {
    const object = await writer?.close();
    writer = undefined;
    if (object) written.push({ bucket: object.bucket, key: object.key, etag: object.etag, bytes: object.bytes });
  };
  let bytes = 0;
  try {
    for await (const chunk of inflated(run.md5?.follow(compressed, 0) ?? compressed, form)) {
      const fresh = chunk.subarray(Math.min(chunk.length, Math.max(0, standing - bytes)));
      bytes += chunk.length;
      assertBytesWithinMaximum(config, bytes);
      if (fresh.length === 0) continue;
      writer ??= objects.writer(
        prepareWorkKey(batch.id, run.token, `inflated-${String(written.length).padStart(5, '0')}`),
      );
      const pending = writer.write(fresh);
      if (pending) await pending;
      const mustStop = run.budget.mustStop();
      if (mustStop || writer.bytes >= maxPartBytes) await endPart();
      if (mustStop) return { parts: written, isWhole: false };
    }
    await endPart();
    return { parts: written, isWhole: true };
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}
