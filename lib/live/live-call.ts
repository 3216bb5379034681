import { objectFrom, objectOf } from '../lines/foreign-json.ts';
import { membersOf } from '../lines/json-spans.ts';
import { digest } from '../records/digest.ts';
import type { Endpoint } from '../records/endpoints.ts';
import type { JsonObject } from '../records/json.ts';
import { RefusedCallError } from './answer.ts';

/** Endpoints whose live calls can be gathered into batches. */
export const liveEndpoints = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/messages',
] as const satisfies readonly Endpoint[];

export type LiveEndpoint = (typeof liveEndpoints)[number];

/** How the answer is wanted: whole, or as a stream of events. */
export interface StreamWish {
  includesUsage: boolean;
}

/** A live call, as it is to be sent in a batch. */
export interface LiveCall {
  endpoint: LiveEndpoint;
  /** The request's body as it would be sent: what never reaches the provider is taken off, every other byte stays. */
  body: Buffer;
  model: string;
  /** Null for an answer as one document. */
  stream: StreamWish | null;
  /** `anthropic-beta`, which changes what the request means; null without it. */
  beta: string | null;
  /** OpenAI's organization and project. */
  billing: Record<string, string>;
  /** A hash of the caller's own key, which is neither kept nor sent on. */
  callerHash: string;
  retryCount: number;
}

/** Reads headers, whatever holds them. */
export type HeaderReader = (name: string) => string | null;

/**
 * The endpoint that a path ends with, whatever its client's base URL is; null for every other one. `/messages` alone may as well be
 * those of a thread.
 */
export function endpointOfPath(path: string): LiveEndpoint | null {
  const ends = (endpoint: LiveEndpoint) =>
    path.endsWith(endpoint === '/v1/messages' ? endpoint : endpoint.slice('/v1'.length));
  return liveEndpoints.find(ends) ?? null;
}

/**
 * Reads a live call.
 *
 * @throws RefusedCallError for one that no batch can hold.
 */
export function readLiveCall(endpoint: LiveEndpoint, bytes: Buffer, header: HeaderReader): LiveCall {
  const parsed = objectFrom(bytes);
  if (!parsed) throw new RefusedCallError(400, 'invalid_json', 'The body is not a JSON object in UTF-8.');
  assertBatchable(parsed);
  const wantsStream = parsed.stream === true;
  if (wantsStream && (endpoint === '/v1/embeddings' || endpoint === '/v1/moderations'))
    throw new RefusedCallError(400, 'invalid_value', `${endpoint} has no streams.`, 'stream');
  const options = objectOf(parsed.stream_options);
  return {
    endpoint,
    body: onOneLine(withoutStream(bytes)),
    model: typeof parsed.model === 'string' ? parsed.model : '',
    stream: wantsStream ? { includesUsage: options?.include_usage === true } : null,
    beta: header('anthropic-beta'),
    billing: billingHeaders(header),
    callerHash: digest(header('authorization') ?? '', header('x-api-key') ?? ''),
    retryCount: countFrom(header('x-stainless-retry-count')),
  };
}

/** What refers to something that lives outside of the request, or to a live connection. */
function assertBatchable(body: JsonObject): void {
  if (body.background === true)
    throw new RefusedCallError(
      400,
      'unsupported_parameter',
      'A background response is polled for, and a request of a batch has nothing to poll. Leave background out: the call waits by itself.',
      'background',
      { isLiveOnly: true },
    );
  for (const param of ['previous_response_id', 'conversation']) {
    if (body[param] === undefined || body[param] === null) continue;
    const message = `'${param}' refers to what the provider stored; requests of a batch cannot go on from it. Send the conversation in input.`;
    throw new RefusedCallError(400, 'unsupported_parameter', message, param, { isLiveOnly: true });
  }
}

const neverSent: ReadonlySet<string> = new Set(['stream', 'stream_options']);

/** The body without what says how its answer travels. */
function withoutStream(bytes: Buffer): Buffer {
  const members = membersOf(bytes);
  if (!members.some(({ key }) => neverSent.has(key))) return bytes;
  const kept = members
    .filter(({ key }) => !neverSent.has(key))
    .map(({ key, start, end }) => `${JSON.stringify(key)}:${bytes.toString('utf8', start, end)}`);
  return Buffer.from(`{${kept.join(',')}}`);
}

/** Line breaks stand between the tokens of valid JSON only, where a space says the same; a line of a batch has none. */
function onOneLine(json: Buffer): Buffer {
  if (!json.includes('\n') && !json.includes('\r')) return json;
  return Buffer.from(json.toString('utf8').replaceAll(/[\n\r]/g, ' '));
}

function billingHeaders(header: HeaderReader): Record<string, string> {
  const names = ['openai-organization', 'openai-project'];
  const entries = names.flatMap((name) => {
    const value = header(name);
    return value ? [[name, value] as const] : [];
  });
  return Object.fromEntries(entries);
}

function countFrom(text: string | null): number {
  return text !== null && /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

/**
 * What makes two calls equal: where they go, what is sent, what changes its meaning, and whose call it is.
 *
 * @param account where the request is sent.
 */
export function callKeyOf(account: string, call: LiveCall): string {
  const { endpoint, body, beta, billing, callerHash } = call;
  return digest(account, endpoint, body.toString('latin1'), beta ?? '', JSON.stringify(billing), callerHash);
}

/** Requests of one batch share it; `model` where the provider wants one for all of them. */
export function groupingOf({ endpoint, beta, billing }: LiveCall, model: string): string {
  return JSON.stringify([endpoint, model, beta, billing]);
}

/** The line of a batch that carries a body. */
export function lineOf(customId: string, endpoint: string, body: Buffer): Buffer {
  const head = `{"custom_id":${JSON.stringify(customId)},"method":"POST","url":${JSON.stringify(endpoint)},"body":`;
  return Buffer.concat([Buffer.from(head), body, Buffer.from('}')]);
}
