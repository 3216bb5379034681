import { z } from 'zod';
import { nearestName } from '../records/option-names.ts';
import type { Page } from '../service/page.ts';
import { ApiError } from './api-error.ts';
import { invalidRequest } from './issue-text.ts';

/** @param maxLimit of OpenAI's API. */
export function limitParameter(maxLimit: number, defaultLimit: number) {
  return z.coerce.number().int().min(1).max(maxLimit).default(defaultLimit);
}

/**
 * Reads the query of a route that is ours alone.
 *
 * @throws ApiError for a parameter that the route does not have.
 */
export function readKnownQuery<Schema extends z.ZodObject>(
  query: Record<string, unknown>,
  schema: Schema,
): z.output<Schema> {
  const names = Object.keys(schema.shape);
  const unknown = Object.keys(query).find((name) => !names.includes(name));
  if (unknown === undefined) return readQuery(query, schema);
  throw unknownParameter(unknown, nearestName(unknown, names), names);
}

/**
 * Reads the query of a route of OpenAI's. Parameters that we do not know are left alone, as there, but for those that were most
 * likely meant as one of ours.
 */
export function readMeantQuery<Schema extends z.ZodObject>(
  query: Record<string, unknown>,
  schema: Schema,
): z.output<Schema> {
  const names = Object.keys(schema.shape);
  for (const name of Object.keys(query)) {
    const meant = names.includes(name) ? null : nearestName(name, names);
    if (meant !== null) throw unknownParameter(name, meant, names);
  }
  return readQuery(query, schema);
}

function unknownParameter(name: string, meant: string | null, names: readonly string[]): ApiError {
  const shown = name.slice(0, 100);
  const hint = meant === null ? `Known are: ${names.join(', ') || 'none'}.` : `Did you mean '${meant}'?`;
  return new ApiError(400, `Unknown parameter: '${shown}'. ${hint}`, { param: shown, code: 'unknown_parameter' });
}

/** Reads the query; parameters that we do not know are left alone. */
export function readQuery<Schema extends z.ZodType>(query: Record<string, unknown>, schema: Schema): z.output<Schema> {
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
