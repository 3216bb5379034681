import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { objectOf, textOf } from '../../lines/foreign-json.ts';
import { withoutEndSlashes } from '../../records/base-url.ts';
import { ConfigurationError } from '../../records/errors.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { ConnectionSettings } from '../contract.ts';
import { readTimeoutSeconds } from '../shared/http/allowances.ts';
import { withDeadline } from '../shared/http/deadline.ts';
import { callError, type FailedCall, failedCall, isOwnError } from '../shared/http/failed-call.ts';
import { ownSendingOf } from '../shared/http/own-sending.ts';
import { parsedReply } from '../shared/http/parsed-reply.ts';
import { streamedBody } from '../shared/http/spooled-file.ts';
import { saidInBody } from '../shared/said-error.ts';

/**
 * Google's REST APIs by fetch. Not by @google/genai: its errors lack headers (so Retry-After), it drops the counts of a
 * batch, and on Vertex it can give a batch no labels. The simulators are held against that SDK instead.
 */

/** An answer of 400 or more, in the form that `failedCall` reads. */
class GoogleCallError extends Error {
  override readonly name = 'GoogleCallError';
  readonly status: number;
  readonly headers: Headers;
  readonly error: { code: string | null };

  constructor(response: Response, body: string) {
    super(`${response.status} ${saidInBody(body).message ?? response.statusText}`);
    const error = errorIn(body);
    this.status = isBadKey(error) ? 401 : response.status;
    this.headers = response.headers;
    this.error = { code: textOf(error?.status)?.toLowerCase() ?? null };
  }
}

/** A wrong key is a 400 at the Gemini API. */
function isBadKey(error: JsonObject | null): boolean {
  const details: unknown[] = Array.isArray(error?.details) ? error.details : [];
  return details.some((detail) => isObject(detail) && detail.reason === 'API_KEY_INVALID');
}

export interface ApiCall {
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string | Blob;
  signal: AbortSignal;
}

/** Where an API is, and what every call to it carries. */
export interface Api {
  baseUrl: string;
  headers: Record<string, string>;
  fetch: typeof fetch;
  /** Query parameters of every call that reads. */
  query: object;
}

/** @param headers who is calling. */
export function apiFrom(settings: ConnectionSettings, baseUrl: string, headers: Record<string, string>): Api {
  const own = ownSendingOf(settings);
  return {
    baseUrl: withoutEndSlashes(baseUrl),
    headers: { ...own.defaultHeaders, ...headers },
    fetch: own.fetch,
    query: settings.providerOptions ?? {},
  };
}

/**
 * Makes one call, once.
 *
 * @param path behind the base URL, its ids encoded already.
 * @throws GoogleCallError for an answer of 400 or more.
 */
export async function callApi(api: Api, path: string, call: ApiCall): Promise<Response> {
  const { method = 'GET' } = call;
  const response = await api.fetch(urlOf(api, path, method), {
    method,
    headers: {
      ...(typeof call.body === 'string' && { 'content-type': 'application/json' }),
      ...api.headers,
      ...call.headers,
    },
    signal: call.signal,
    ...(call.body !== undefined && { body: call.body }),
    ...(call.body instanceof Blob && streamedBody),
  });
  if (response.ok) return response;
  throw new GoogleCallError(response, await response.text());
}

function urlOf(api: Api, path: string, method: string): string {
  const url = new URL(api.baseUrl + path);
  if (method === 'GET')
    for (const [name, value] of Object.entries(api.query)) url.searchParams.set(name, String(value));
  return url.toString();
}

function errorIn(text: string): JsonObject | null {
  try {
    const body: unknown = JSON.parse(text);
    // Some answers to a list are an array around the error.
    const first: unknown = Array.isArray(body) ? body[0] : body;
    return isObject(first) ? objectOf(first.error) : null;
  } catch {
    return null;
  }
}

const readAttempts = 3;
const firstPauseMs = 250;

/**
 * A look or a transfer, made again where the trouble may pass.
 *
 * @param what names it in the error.
 * @throws what is ours, TransientError or NotFoundError.
 */
export async function look<Result>(
  what: string,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    return await withDeadline(signal, readTimeoutSeconds, (deadline) => withRetries(deadline, () => call(deadline)));
  } catch (error) {
    throw callError(what, error);
  }
}

/** Reads a reply of JSON. */
export async function read<Value>(
  what: string,
  schema: z.ZodType<Value>,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<Response>,
): Promise<Value> {
  const reply: unknown = await look(what, signal, async (deadline) => (await call(deadline)).json());
  return parsedReply(schema, reply, what);
}

async function withRetries<Result>(signal: AbortSignal, call: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const isFinal = attempt === readAttempts || signal.aborted || isOwnError(error);
      if (isFinal || !mayPass(failedCall(error))) throw error;
    }
    await sleep(firstPauseMs * 2 ** (attempt - 1), undefined, { signal });
  }
}

function mayPass(failed: FailedCall): boolean {
  return failed.kind !== 'answered' || failed.status === 408 || failed.status === 429 || failed.status >= 500;
}

/**
 * A name such as `batches/a1` or a model's, as a part of a path.
 *
 * @throws ConfigurationError for a name with a part `.` or `..`, which the URL would resolve to another path.
 */
export function encodedName(name: string): string {
  const parts = name.split('/');
  if (parts.some((part) => part === '.' || part === '..'))
    throw new ConfigurationError(
      `'${name.slice(0, 100)}' is no name that may stand in a path: it has a part '.' or '..'.`,
    );
  return parts.map(encodeURIComponent).join('/');
}

/** A model as one part of a path: at Google no model's name has a slash, so one that has leads nowhere else. */
export const encodedModel = encodeURIComponent;
