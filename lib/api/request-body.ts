import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { parseJson } from '../records/parse-json.ts';
import type { ApiContext } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { invalidRequest } from './issue-text.ts';

/** The largest JSON body is the list of an upload's 8,192 parts: 400 KB. */
const maxJsonBytes = 1024 * 1024;
/** Ours nest three deep. A parser's recursion is nobody's to explore. */
const maxJsonDepth = 32;
/** Whoever sends a JSON body byte by byte gets no longer than this. */
const maxJsonSeconds = 30;

/**
 * Reads a JSON body. A top-level null is an absent field, as at OpenAI; unknown fields are left alone.
 *
 * @returns the body as it came, and as the schema reads it.
 * @throws ApiError
 */
export async function readBody<Schema extends z.ZodType>(
  context: ApiContext,
  schema: Schema,
): Promise<{ given: Record<string, unknown>; body: z.output<Schema> }> {
  const given = await readJsonObject(context);
  const result = schema.safeParse(given);
  if (!result.success) throw invalidRequest(result.error, given);
  return { given, body: result.data };
}

async function readJsonObject(context: ApiContext): Promise<Record<string, unknown>> {
  assertJson(context.req.header('content-type'));
  assertNotEncoded(context);
  const text = await readText(context);
  if (depthOf(text) > maxJsonDepth)
    throw new ApiError(400, `The JSON body is nested more than ${maxJsonDepth} levels deep.`, { code: 'invalid_json' });
  const value = parsedBody(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ApiError(400, 'The request body must be a JSON object.', { code: 'invalid_json' });
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function assertJson(contentType: string | undefined): void {
  if (/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '')) return;
  throw unsupportedType(contentType, 'application/json');
}

export function unsupportedType(contentType: string | undefined, expected: string): ApiError {
  const message = `Unsupported content type: '${(contentType ?? '').slice(0, 100)}'. This method only accepts '${expected}' requests.`;
  return new ApiError(415, message, { code: 'unsupported_content_type' });
}

/** Nothing here is unpacked while it comes in: a few bytes may become any number of them. */
function assertNotEncoded({ req }: ApiContext): void {
  const encoding = req.header('content-encoding') ?? '';
  if (/^(identity)?$/i.test(encoding)) return;
  const message = `content-encoding: '${encoding.slice(0, 40)}' is not read here. Send the body as it is.`;
  throw new ApiError(415, message, { code: 'unsupported_content_encoding' });
}

async function readText(context: ApiContext): Promise<string> {
  const length = context.req.header('content-length');
  if (length === undefined) return decode(await readChunks(context));
  assertSize(Number(length), maxJsonBytes); // HTTP lets no more than that come
  return decode(Buffer.from(await withinTime(context.req.arrayBuffer(), context.var.settings.maxIdleMs)));
}

/** A body of unknown length, as far as it may go. */
async function readChunks(context: ApiContext): Promise<Buffer> {
  const endsAtMs = performance.now() + maxJsonSeconds * 1_000;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bodyChunks(context)) {
    bytes += chunk.length;
    assertSize(bytes, maxJsonBytes);
    if (performance.now() > endsAtMs) throw tooSlow();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ApiError(400, 'The request body is not valid UTF-8.', { code: 'invalid_json' });
  return bytes.toString('utf8');
}

function assertSize(bytes: number, limit: number): void {
  if (bytes > limit)
    throw new ApiError(413, `The request body is larger than ${limit} bytes.`, { code: 'body_too_large' });
}

function parsedBody(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    const message = 'We could not parse the JSON body of your request. Send it as valid JSON, in UTF-8.';
    throw new ApiError(400, message, { code: 'invalid_json' }, { cause });
  }
}

/** How deep brackets nest, those within strings aside. One pass, whatever the text is: nobody has looked at it yet. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth > deepest) deepest = depth;
  }
  return deepest;
}

/** @returns the index of the quote that closes the string; the text's length for a string that nothing closes. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}

/**
 * The body as it comes in. Where it is not read to its end, the client is told that its connection ends with the answer.
 *
 * @throws ApiError 408 where it stops coming, 415 where it is encoded.
 */
export async function* bodyChunks(context: ApiContext): AsyncGenerator<Uint8Array> {
  const reader = context.req.raw.body?.getReader();
  if (!reader) return;
  let isAtEnd = false;
  try {
    assertNotEncoded(context);
    for (;;) {
      const { value, done } = await withinTime(reader.read(), context.var.settings.maxIdleMs);
      isAtEnd = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!isAtEnd) context.header('connection', 'close');
    reader.cancel().catch(() => undefined);
  }
}

async function withinTime<Result>(promise: Promise<Result>, limitMs: number): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooSlow()), limitMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(): ApiError {
  return new ApiError(408, 'The request body came too slowly or stopped coming.', { code: 'request_timeout' });
}
