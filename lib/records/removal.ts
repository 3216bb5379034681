import { z } from 'zod';

/** Bytes that are to go: a file's whose time is over, or those of an upload that came to nothing. */
export const removalSchema = z.object({
  /** All objects of its folder, if there is one. */
  fileId: z.string(),
  /** Objects that lie elsewhere. */
  keys: z.array(z.string()),
  version: z.number().int(),
  /** Unix seconds. */
  dueAt: z.number().int(),
});

export type Removal = z.infer<typeof removalSchema>;
