import { z } from 'zod';
import type { Page } from '../service/page.ts';
import { ApiError } from './api-error.ts';
import { invalidRequest } from './issue-text.ts';

/** @param maxLimit of OpenAI's API. */
export function limitParameter(maxLimit: number, defaultLimit: number) {
  return z.coerce.number().int().min(1).max(maxLimit).default(defaultLimit);
}

/** Reads the query; parameters that we do not know are left alone. */
export function readQuery<Schema extends z.ZodType>(query: Record<string, string>, schema: Schema): z.output<Schema> {
  const result = schema.safeParse(query);
  if (!result.success) throw invalidRequest(result.error, query);
  return result.data;
}

/** The official Anthropic client of a beta resource says so in every query. */
const betaParameter = 'beta';

/**
 * Refuses other parameters, as Anthropic's API does.
 *
 * @throws ApiError
 */
export function assertKnownParameters(query: Record<string, string>, names: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => name !== betaParameter && !names.includes(name));
  if (unknown === undefined) return;
  throw new ApiError(400, `${unknown.slice(0, 100)}: Extra inputs are not permitted`, { param: unknown });
}

/** @throws ApiError for a query that asks for two pages of one of Anthropic's lists. */
export function assertOneCursor(query: { after_id?: string | undefined; before_id?: string | undefined }): void {
  if (query.after_id === undefined || query.before_id === undefined) return;
  throw new ApiError(400, 'Only one of before_id and after_id may be given.');
}

export function listSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}

/** OpenAI's list object. */
export function listObject<Item extends { id: string }, View>(page: Page<Item>, view: (item: Item) => View) {
  return {
    object: 'list' as const,
    data: page.items.map(view),
    first_id: page.items[0]?.id ?? null,
    last_id: page.items.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
}
