import { z } from 'zod';
import { s3ObjectSchema } from './batch.ts';

/** A file as DynamoDB holds it: an ordered list of S3 objects that are read as one. */
export const fileRecordSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  version: z.number().int(),
  filename: z.string(),
  purpose: z.enum(['batch', 'batch_output']),
  bytes: z.number().int().nonnegative(),
  /** Unix seconds. */
  createdAt: z.number().int(),
  expiresAt: z.number().int().nullable(),
  objects: z.array(s3ObjectSchema),
});

export type FileRecord = z.infer<typeof fileRecordSchema>;
