import { z } from 'zod';
import { TransientError } from '../../../records/errors.ts';

const storedFileSchema = z.object({ id: z.string().min(1), filename: z.string().nullish().catch(null) });

/** As the pipeline names the file of a sending; no two have the same name. */
const sendingFile = /^b[0-9a-f]{32}[0-9a-z]{9}\.jsonl$/;

/**
 * The id of a file that was uploaded, from the service's reply.
 *
 * @throws TransientError where the reply is to another sending's upload, as of a cache that mixes answers up: a batch made with that
 * file would run its lines a second time in place of ours.
 */
export function storedFileId(reply: unknown, fileName: string): string {
  const { id, filename } = storedFileSchema.parse(reply);
  if (filename && filename !== fileName && sendingFile.test(filename))
    throw new TransientError(`The answer to the upload of ${fileName} is about ${filename}.`);
  return id;
}
