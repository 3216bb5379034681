import { z } from 'zod';
import { type S3Object, s3ObjectSchema } from './batch.ts';

/** Where the reading of a file of lines goes on. */
const placeInLinesSchema = z.object({
  /** Where a line begins, and which one. */
  byteOffset: z.number().int(),
  lineNumber: z.number().int(),
  /** The first line that was not taken yet; that one or a later one. */
  nextLine: z.number().int(),
});

export type PlaceInLines = z.infer<typeof placeInLinesSchema>;

/** How far a batch's input and its result files were read. */
const resultPlacesSchema = z.object({
  input: placeInLinesSchema,
  output: placeInLinesSchema,
  errors: placeInLinesSchema,
});

export type ResultPlaces = z.infer<typeof resultPlacesSchema>;

/** What a merge of a file's parts into one object has reached. */
export const partMergeSchema = z.object({
  /** Random; whose lease it is. */
  writer: z.string(),
  /** Until then its writer may still be at work. Unix milliseconds. */
  leaseUntilMs: z.number().int(),
  key: z.string(),
  s3UploadId: z.string(),
  /** ETags of the pieces that S3 has, in their order. */
  etags: z.array(z.string()),
  /** Of results that are merged by line: their bytes so far, and where it goes on. */
  lines: z.object({ bytes: z.number().int(), places: resultPlacesSchema }).optional(),
});

export type PartMerge = z.infer<typeof partMergeSchema>;

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
  /** Unix milliseconds: the order of records made within one second. Absent where an earlier release made them. */
  createdAtMs: z.number().int().optional(),
  /** Unix seconds; from then on there is no such file any more. */
  expiresAt: z.number().int().nullable(),
  objects: z.array(s3ObjectSchema),
  /** MD5 of all bytes, in hex, to know the same content by; absent where nobody computed it. */
  md5: z.string().optional(),
  /** A large upload's parts in one object, made when its content is first asked for. */
  merged: s3ObjectSchema.optional(),
  merge: partMergeSchema.optional(),
});

export type FileRecord = z.infer<typeof fileRecordSchema>;

/** The objects behind a large upload, stored as one JSON object: 2,000 parts are more than a record should carry. */
export const partListSchema = z.object({
  /** In hex; what the client said the whole has. */
  md5: z.string().nullable(),
  parts: z.array(s3ObjectSchema),
});

export type PartList = z.infer<typeof partListSchema>;

export function hasExpired(file: { expiresAt: number | null }, nowMs: number): boolean {
  return file.expiresAt !== null && nowMs >= file.expiresAt * 1_000;
}

export function totalBytes(objects: readonly Pick<S3Object, 'bytes'>[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}
