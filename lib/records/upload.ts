import { z } from 'zod';
import { s3ObjectSchema } from './batch.ts';
import { InvalidInputError } from './errors.ts';

/** An upload that is not completed within an hour expires. Source: OpenAI's API reference, read 2026-11. */
export const uploadLifeSeconds = 3_600;

const seconds = z.number().int();

/** An upload as DynamoDB holds it. Times are unix seconds. */
export const uploadRecordSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  version: z.number().int(),
  status: z.enum(['pending', 'completed', 'cancelled']),
  /** Id of the file that it becomes. */
  fileId: z.string(),
  filename: z.string(),
  bytes: z.number().int(),
  createdAt: seconds,
  expiresAt: seconds,
  /** Seconds from its creation after which the file goes. */
  fileLifeSeconds: z.number().int().nullable(),
  /** Set by completion: the list of parts, and a digest of what was asked for, to know a repetition by. */
  completion: z
    .object({
      list: s3ObjectSchema,
      digest: z.string(),
      at: seconds,
      atMs: z.number().int().optional(),
      md5: z.string().optional(),
    })
    .nullable(),
});

export type UploadRecord = z.infer<typeof uploadRecordSchema>;

/** One part of an upload. */
export const partRecordSchema = z.object({
  id: z.string(),
  uploadId: z.string(),
  version: z.number().int(),
  createdAt: seconds,
  /** When DynamoDB removes it: long after the upload has ended. */
  expiresAt: seconds,
  object: s3ObjectSchema,
});

export type PartRecord = z.infer<typeof partRecordSchema>;

/**
 * Commits the list of parts. The same completion again changes nothing.
 *
 * @throws InvalidInputError for an upload that has ended otherwise.
 */
export function markCompleted(upload: UploadRecord, completion: NonNullable<UploadRecord['completion']>): UploadRecord {
  if (upload.status === 'pending') return { ...upload, status: 'completed', completion };
  if (upload.completion?.digest === completion.digest) return upload;
  throw wrongStatus(upload);
}

/** @throws InvalidInputError for a completed upload. Cancelling twice is allowed. */
export function markCancelled(upload: UploadRecord): UploadRecord {
  switch (upload.status) {
    case 'pending':
      return { ...upload, status: 'cancelled' };
    case 'cancelled':
      return upload;
    case 'completed':
      throw wrongStatus(upload);
  }
}

/** @throws InvalidInputError for an upload that takes no parts any more. */
export function assertPending(upload: UploadRecord, nowMs: number): void {
  const status = uploadStatus(upload, nowMs);
  if (status !== 'pending') throw wrongStatus({ ...upload, status });
}

export type UploadStatus = UploadRecord['status'] | 'expired';

export function uploadStatus(upload: UploadRecord, nowMs: number): UploadStatus {
  return upload.status === 'pending' && nowMs >= upload.expiresAt * 1_000 ? 'expired' : upload.status;
}

function wrongStatus(upload: { id: string; status: UploadStatus }): InvalidInputError {
  const message = `Upload '${upload.id}' is ${upload.status} already. Create a new upload.`;
  return new InvalidInputError('invalid_upload_status', message, { param: 'upload_id' });
}
