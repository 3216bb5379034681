import { z } from 'zod';

/** How our keys start, so that secret scanners, and our own code, know one when they see it. */
export const apiKeyPrefix = 'sk-batchdrop-';

/** An API key as DynamoDB holds it: by its digest, never itself. */
export const apiKeyRecordSchema = z.object({
  /** SHA-256 of the key, in hex. */
  hash: z.string(),
  /** What it is called in lists and when it is revoked; tells nothing about the key. */
  id: z.string(),
  version: z.number().int(),
  tenant: z.string(),
  /** For people: whose or what it is for. */
  name: z.string(),
  /** Unix seconds. */
  createdAt: z.number().int(),
  /** Unix milliseconds: the order of records made within one second. Absent where an earlier release made them. */
  createdAtMs: z.number().int().optional(),
  revokedAt: z.number().int().nullable(),
});

export type ApiKeyRecord = z.infer<typeof apiKeyRecordSchema>;
