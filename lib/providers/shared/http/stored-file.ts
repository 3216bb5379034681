import { z } from 'zod';
import { TransientError } from '../../../records/errors.ts';

const storedFileSchema = z.object({ id: z.string().min(1), filename: z.string().nullish().catch(null) });

/** As the files of sendings are named by the pipeline, by the library and by live calls; no two have the same name. */
const sendingName = /^(?:b[0-9a-f]{32}[0-9a-z]{9}|batchdrop-[0-9a-f-]{36}|live-[0-9a-f]{12}-[0-9a-z]+-)(?:\.jsonl)?$/;

/**
 * The id of a file that was uploaded, from the service's reply.
 *
 * @throws TransientError where the reply is to another sending's upload.
 */
export function storedFileId(reply: unknown, fileName: string): string {
  const { id, filename } = storedFileSchema.parse(reply);
  assertStoredAs(filename, fileName);
  return id;
}

/**
 * A batch made with another sending's file would run its lines a second time in place of ours.
 *
 * @param stored the name in the reply to an upload; null where it has none.
 * @throws TransientError where that is the name of another sending's file, as of a cache that mixes answers up.
 */
export function assertStoredAs(stored: string | null | undefined, name: string): void {
  if (stored && stored !== name && sendingName.test(stored))
    throw new TransientError(`The answer to the upload of ${name} is about ${stored}.`);
}
