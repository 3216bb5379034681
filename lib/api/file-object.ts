import { z } from 'zod';
import type { FileRecord } from '../records/file.ts';
import { type UploadRecord, uploadStatus } from '../records/upload.ts';
import type { UploadState } from '../service/uploads.ts';

const unixSeconds = z.number().int().describe('Unix timestamp, in seconds');

export const fileObjectSchema = z
  .object({
    id: z.string(),
    object: z.literal('file'),
    bytes: z.number().int(),
    created_at: unixSeconds,
    expires_at: unixSeconds.optional(),
    filename: z.string(),
    purpose: z.enum(['batch', 'batch_output']),
    status: z.literal('processed'),
  })
  .meta({ id: 'File' });

export function fileObject(file: FileRecord): z.input<typeof fileObjectSchema> {
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: file.createdAt,
    ...(file.expiresAt !== null && { expires_at: file.expiresAt }),
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
  };
}

export const uploadObjectSchema = z
  .object({
    id: z.string(),
    object: z.literal('upload'),
    bytes: z.number().int(),
    created_at: unixSeconds,
    expires_at: unixSeconds,
    filename: z.string(),
    purpose: z.literal('batch'),
    status: z.enum(['pending', 'completed', 'cancelled', 'expired']),
    file: fileObjectSchema.nullable(),
  })
  .meta({ id: 'Upload' });

export function uploadObject({ upload, file }: UploadState, nowMs: number): z.input<typeof uploadObjectSchema> {
  return {
    id: upload.id,
    object: 'upload',
    bytes: upload.bytes,
    created_at: upload.createdAt,
    expires_at: upload.expiresAt,
    filename: upload.filename,
    purpose: 'batch',
    status: uploadStatus(upload, nowMs),
    file: file && fileObject(file),
  };
}

export const partObjectSchema = z
  .object({
    id: z.string(),
    object: z.literal('upload.part'),
    created_at: unixSeconds,
    upload_id: z.string(),
  })
  .meta({ id: 'UploadPart' });

export function partObject(part: {
  id: string;
  createdAt: number;
  uploadId: UploadRecord['id'];
}): z.input<typeof partObjectSchema> {
  return { id: part.id, object: 'upload.part', created_at: part.createdAt, upload_id: part.uploadId };
}
