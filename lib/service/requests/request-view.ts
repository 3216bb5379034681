import { parseExact } from '../../lines/exact-json.ts';
import { objectOf } from '../../lines/foreign-json.ts';
import { outcomeOf } from '../../lines/result-outcome.ts';
import type { BatchRequest } from '../../records/batch-request.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { KeptRequest } from './request-lines.ts';
import type { RequestOutcome } from './request-results.ts';

/** What there is of one request. */
export interface RequestParts {
  outcome: RequestOutcome;
  kept: KeptRequest | null;
  /** The request line; null where it is not kept, or was too long to be read. */
  request: Buffer | null;
  /** The result line; the same. */
  result: Buffer | null;
}

/** A request or a response beyond that is cut. */
const maxShownBytes = 64 * 1024;
/** Of a text that is cut, and of a list. */
const maxTextLength = 1_000;
const maxListLength = 20;

/** @param isWhole whether nothing is to be cut. */
export function requestView({ outcome, kept, request, result }: RequestParts, isWhole: boolean): BatchRequest {
  const line = result && lineFrom(result);
  const became = line ? outcomeOf(line) : null;
  const failure = became?.answered === false ? became : null;
  const shownRequest = shown(request && lineFrom(request), isWhole);
  const shownResponse = shown(line && responseOf(line), isWhole);
  const isUnread = (kept?.place.bytes ?? 0) > 0 && request === null;
  const customId = kept?.customId ?? (typeof line?.custom_id === 'string' ? line.custom_id : null);
  const isNative = kept ? kept.format === 'anthropic' : objectOf(line?.result) !== null;
  return {
    object: 'batch.request',
    id: String(outcome.ordinal + 1),
    line: outcome.ordinal + 1,
    custom_id: customId,
    status: outcome.status,
    code: failure?.code ?? null,
    is_retryable: outcome.isRetryable,
    format: isNative ? 'anthropic' : 'openai',
    request: shownRequest.value,
    response: shownResponse.value,
    error: failure && { code: failure.code, message: failure.message },
    request_bytes: kept?.place.bytes ?? null,
    response_bytes: outcome.place?.bytes ?? null,
    truncated: shownRequest.isCut || shownResponse.isCut || isUnread || (outcome.place !== null && result === null),
  };
}

function responseOf(line: JsonObject): JsonObject | null {
  return objectOf(line.result) ?? objectOf(line.response);
}

/** The object that a line holds, with numbers in their own spelling; null for what is none. */
export function lineFrom(bytes: Buffer): JsonObject | null {
  try {
    return objectOf(parseExact(bytes.toString('utf8')));
  } catch {
    return null;
  }
}

function shown(value: JsonObject | null, isWhole: boolean): { value: JsonObject | null; isCut: boolean } {
  if (value === null || isWhole || bytesOf(value) <= maxShownBytes) return { value, isCut: false };
  const cut = objectOf(shortened(value));
  return { value: cut && bytesOf(cut) <= maxShownBytes ? cut : null, isCut: true };
}

/** Deeper than any stack is more than anything. */
function bytesOf(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** How deep a value is looked into; what lies deeper is left out. */
const maxDepth = 40;

function shortened(value: unknown, depth = 0): unknown {
  if (typeof value === 'string')
    return value.length > maxTextLength ? `${value.slice(0, maxTextLength).toWellFormed()}…` : value;
  if (JSON.isRawJSON(value) || typeof value !== 'object' || value === null) return value;
  if (depth > maxDepth) return null;
  if (Array.isArray(value)) return value.slice(0, maxListLength).map((item) => shortened(item, depth + 1));
  if (!isObject(value)) return null;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member, depth + 1)]));
}

/**
 * Whether a request's name, its own line or its result holds a text, in any case.
 *
 * @param text as `searchable` makes it.
 */
export function holdsText({ kept, request, result }: RequestParts, text: string): boolean {
  if (kept?.customId && searchable(kept.customId).includes(text)) return true;
  return [request, result].some((bytes) => {
    const line = bytes && lineFrom(bytes);
    return (
      line !== null && bytesOf(line) < Number.POSITIVE_INFINITY && JSON.stringify(line).toLowerCase().includes(text)
    );
  });
}

/** A text as JSON writes it within quotes. */
export function searchable(text: string): string {
  return JSON.stringify(text).slice(1, -1).toLowerCase();
}
