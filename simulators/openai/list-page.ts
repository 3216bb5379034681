import { RefusedCall } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import { errorReply, invalidRequest } from './error-reply.ts';

export interface PageLimits {
  defaultLimit: number;
  maxLimit: number;
  /** Whether a larger limit is cut to the largest in silence, rather than refused. */
  isCapped: boolean;
  /** The query's parameter that says behind which object a page begins. */
  placeParameter: 'after' | 'pagination_token';
}

export interface Page<Item> {
  items: Item[];
  /** Length of the whole list. */
  total: number;
  hasMore: boolean;
}

/** One page of a list: `after` names the last object of the page before. */
export function readPage<Item extends { id: string }>(
  items: Item[],
  query: URLSearchParams,
  limits: PageLimits,
): Page<Item> {
  const limit = readLimit(query, limits);
  const start = startAfter(items, query.get(limits.placeParameter));
  return { items: items.slice(start, start + limit), total: items.length, hasMore: start + limit < items.length };
}

/** The list object around a page's wired items. */
export function wireList(page: Page<{ id: string }>, data: JsonObject[]): JsonObject {
  return {
    object: 'list',
    data,
    first_id: page.items[0]?.id ?? null,
    last_id: page.items.at(-1)?.id ?? null,
    has_more: page.hasMore,
  };
}

function readLimit(query: URLSearchParams, { defaultLimit, maxLimit, isCapped }: PageLimits): number {
  const given = query.get('limit');
  if (given === null) return defaultLimit;
  const limit = Number(given);
  if (!Number.isInteger(limit)) {
    throw refused(`Invalid type for 'limit': expected an integer, but got '${given}' instead.`, 'invalid_type');
  }
  if (limit > maxLimit && isCapped) return maxLimit;
  if (limit > maxLimit) {
    const message = `Invalid 'limit': integer above maximum value. Expected a value <= ${maxLimit}, but got ${limit} instead.`;
    throw refused(message, 'integer_above_max_value');
  }
  if (limit < 1) {
    const message = `Invalid 'limit': integer below minimum value. Expected a value >= 1, but got ${limit} instead.`;
    throw refused(message, 'integer_below_min_value');
  }
  return limit;
}

function startAfter(items: { id: string }[], after: string | null): number {
  if (after === null) return 0;
  const position = items.findIndex((item) => item.id === after);
  if (position === -1)
    throw new RefusedCall(errorReply(404, invalidRequest(`No object found with id '${after}'.`, 'after')));
  return position + 1;
}

function refused(message: string, code: string): RefusedCall {
  return new RefusedCall(errorReply(400, invalidRequest(message, 'limit', code)));
}
