import { z } from 'zod';
import { endpoints, maxMetadataKeyChars, maxMetadataPairs, maxMetadataValueChars } from './limits.ts';

export const createBatchBodySchema = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.enum(endpoints),
  completion_window: z.enum(['24h']),
  metadata: z.record(z.string(), z.string().max(maxMetadataValueChars)).nullish(),
  output_expires_after: z
    .strictObject({ anchor: z.enum(['created_at']), seconds: z.int().min(3600).max(2_592_000) })
    .nullish(),
});

/** What a creation says, whatever the service allows in it. */
export interface CreateBatchBody {
  input_file_id: string;
  endpoint: string;
  model?: string;
  metadata?: Record<string, string> | null | undefined;
  output_expires_after?: { seconds: number } | null | undefined;
}

/** What zod's own rules do not say about metadata. @returns the complaint, or null. */
export function metadataComplaint(metadata: Record<string, string>): string | null {
  const keys = Object.keys(metadata);
  if (keys.length > maxMetadataPairs) {
    return `Invalid 'metadata': too many properties. Expected an object with at most ${maxMetadataPairs} properties, but got an object with ${keys.length} properties instead.`;
  }
  const longKey = keys.find((key) => key.length > maxMetadataKeyChars);
  if (longKey === undefined) return null;
  return `Invalid 'metadata': property name too long. Expected a property name with maximum length ${maxMetadataKeyChars}, but got one with length ${longKey.length} instead.`;
}
