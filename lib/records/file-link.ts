// zod/mini, as in openai-batch.ts.
import * as z from 'zod/mini';

/** Where a file's bytes can be downloaded for a while, by whoever has the URL. */
export const fileLinkSchema = z.object({
  object: z.literal('file.link'),
  url: z.string().check(z.describe('Answers with the bytes as a download, under the name of the file')),
  expires_at: z.int().check(z.describe('Unix timestamp, in seconds')),
  bytes: z.nullable(z.int()),
  filename: z.string(),
});

export type FileLink = z.infer<typeof fileLinkSchema>;
