import { z } from 'zod';
import { checksumAlgorithmSchema } from './checksum.ts';

/** One immutable file of bytes in the body store. */
const segmentSchema = z.strictObject({
  file: z.string().regex(/^[0-9a-f]{32}$/),
  size: z.int().nonnegative(),
});
export type Segment = z.infer<typeof segmentSchema>;

export const checksumTypeSchema = z.enum(['FULL_OBJECT', 'COMPOSITE']);

const storedChecksumSchema = z.strictObject({
  algorithm: checksumAlgorithmSchema,
  /** Base64; a composite checksum ends in "-<number of parts>". */
  value: z.string(),
  type: checksumTypeSchema,
});
export type StoredChecksum = z.infer<typeof storedChecksumSchema>;

export const storedObjectSchema = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  /** The body, in order. A multipart object keeps its parts as they are, so that completing copies nothing. */
  segments: z.array(segmentSchema),
  size: z.int().nonnegative(),
  /** Without quotes. */
  etag: z.string(),
  /** Unix timestamp (in milliseconds). */
  lastModified: z.int(),
  sequencer: z.string(),
  /** Headers to be returned as they came: content-type, cache-control, x-amz-meta-* and the like. */
  headers: z.record(z.string(), z.string()),
  checksum: storedChecksumSchema.optional(),
  /** The multipart upload that made this object. */
  uploadId: z.string().optional(),
});
export type StoredObject = z.infer<typeof storedObjectSchema>;

export const storedUploadSchema = z.strictObject({
  uploadId: z.string(),
  bucket: z.string(),
  key: z.string(),
  /** Unix timestamp (in milliseconds). */
  initiated: z.int(),
  headers: z.record(z.string(), z.string()),
  checksum: z.strictObject({ algorithm: checksumAlgorithmSchema, type: checksumTypeSchema }).optional(),
});
export type StoredUpload = z.infer<typeof storedUploadSchema>;

export const storedPartSchema = z.strictObject({
  partNumber: z.int(),
  segment: segmentSchema,
  /** Hexadecimal; it is the part's ETag. */
  md5: z.string(),
  /** Unix timestamp (in milliseconds). */
  lastModified: z.int(),
  checksum: storedChecksumSchema.optional(),
});
export type StoredPart = z.infer<typeof storedPartSchema>;
