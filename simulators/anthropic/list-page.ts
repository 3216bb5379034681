import { RefusedCall } from '../http-server.ts';
import { errorReply, invalidRequest } from './error-reply.ts';

const defaultLimit = 20;
const maxLimit = 1000;

export interface Page<Item> {
  items: Item[];
  hasMore: boolean;
}

/** One page of a list that is newest first: `after_id` goes on to older ones, `before_id` back to newer ones. */
export function pageOf<Item extends { id: string }>(items: Item[], query: URLSearchParams): Page<Item> {
  const limit = readLimit(query);
  const afterId = query.get('after_id');
  const beforeId = query.get('before_id');
  if (afterId !== null && beforeId !== null) throw refused('Only one of before_id and after_id may be given.');
  if (beforeId !== null) {
    const end = positionOf(items, beforeId, 'before_id');
    const start = Math.max(0, end - limit);
    return { items: items.slice(start, end), hasMore: start > 0 };
  }
  const start = afterId === null ? 0 : positionOf(items, afterId, 'after_id') + 1;
  return { items: items.slice(start, start + limit), hasMore: start + limit < items.length };
}

function readLimit(query: URLSearchParams): number {
  const given = query.get('limit');
  if (given === null) return defaultLimit;
  const limit = Number(given);
  if (!Number.isInteger(limit)) throw refused('limit: Input should be a valid integer');
  if (limit < 1) throw refused('limit: Input should be greater than or equal to 1');
  if (limit > maxLimit) throw refused(`limit: Input should be less than or equal to ${maxLimit}`);
  return limit;
}

function positionOf(items: { id: string }[], id: string, param: string): number {
  const position = items.findIndex((item) => item.id === id);
  if (position === -1) throw refused(`${param}: Message Batch with id ${id} not found.`);
  return position;
}

function refused(message: string): RefusedCall {
  return new RefusedCall(errorReply(400, invalidRequest(message)));
}
