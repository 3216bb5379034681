import { z } from 'zod';
import { type BatchStatus, batchStatuses } from '../records/openai-batch.ts';
import type { BatchFilter } from '../service/list-batches.ts';
import { ApiError } from './api-error.ts';
import { unsupportedValue } from './issue-text.ts';

const pattern = z.string().min(1).max(1_024);

/** Milliseconds are far above it. */
const maxSeconds = 99_999_999_999;
const time = z.coerce.number().int().min(1).max(maxSeconds).optional();

/** What a list of batches may be narrowed down by. */
export const batchFilterParameters = {
  status: z.string().max(200).optional().describe('One status, or several with commas between'),
  name: pattern.optional().describe("A part of the file's name in any case, or all of it with `*` for any characters"),
  model: pattern.optional().describe('The same of a model that requests go to'),
  metadata: z
    .record(z.string().min(1).max(64), z.string().max(512))
    .optional()
    .describe('As `metadata[team]=search`: labels that it has'),
  created_after: time.describe('Made then or later; Unix timestamp, in seconds'),
  created_before: time.describe('Made earlier than that; Unix timestamp, in seconds'),
};

type FilterQuery = z.output<z.ZodObject<typeof batchFilterParameters>>;

/** @throws ApiError */
export function batchFilter(query: FilterQuery): BatchFilter {
  const { status, name, model, metadata, created_after: createdAfter, created_before: createdBefore } = query;
  if (createdAfter !== undefined && createdBefore !== undefined && createdAfter > createdBefore) {
    const message = `'created_after' (${createdAfter}) is after 'created_before' (${createdBefore}): nothing lies between.`;
    throw new ApiError(400, message, { param: 'created_after', code: 'invalid_value' });
  }
  return { statuses: status?.split(',').map(statusNamed), name, model, metadata, createdAfter, createdBefore };
}

function statusNamed(text: string): BatchStatus {
  const status = batchStatuses.find((one) => one === text.trim());
  if (status !== undefined) return status;
  throw unsupportedValue('status', text, batchStatuses);
}

/**
 * Puts the parameters `metadata[team]` and so on together as one.
 *
 * @throws ApiError for `metadata` without a name in brackets.
 */
export function withMetadata(query: Record<string, string>): Record<string, unknown> {
  const others: [string, string][] = [];
  const metadata: [string, string][] = [];
  for (const [name, value] of Object.entries(query)) {
    if (name === 'metadata') throw noLabel();
    const [, label] = /^metadata\[(.*)\]$/s.exec(name) ?? [];
    if (label === undefined) others.push([name, value]);
    else metadata.push([label, value]);
  }
  return { ...Object.fromEntries(others), ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }) };
}

function noLabel(): ApiError {
  const message = "Invalid 'metadata': name the label in brackets, as metadata[team]=search.";
  return new ApiError(400, message, { param: 'metadata', code: 'invalid_value' });
}
