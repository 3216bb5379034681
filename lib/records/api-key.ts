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
  /** What an operator sees beyond its own tenant is the usage of all. Absent in keys of earlier releases, which are a tenant's. */
  role: z.enum(['tenant', 'operator']).optional(),
  /** Unix seconds. */
  createdAt: z.number().int(),
  /** Unix milliseconds: the order of records made within one second. Absent where an earlier release made them. */
  createdAtMs: z.number().int().optional(),
  revokedAt: z.number().int().nullable(),
});

export type ApiKeyRole = NonNullable<z.infer<typeof apiKeyRecordSchema>['role']>;
export type ApiKeyRecord = z.infer<typeof apiKeyRecordSchema>;
