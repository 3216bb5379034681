import { isUtf8 } from 'node:buffer';
import type { Endpoint } from './endpoints.ts';
import { isEndpoint } from './endpoints.ts';
import { type Member, membersOf, type Span } from './json-spans.ts';
import type { Line, OverlongLine } from './jsonl.ts';
import { type FoundSpans, searchSpans } from './span-search.ts';

/** How a line was written, and so how it is answered: OpenAI's batch form, or Anthropic's `{custom_id, params}`. */
export type LineFormat = 'openai' | 'anthropic';

export type JsonObject = Record<string, unknown>;

/** One validated request, with its own bytes. */
export interface RequestLine {
  /** Place in the input file, from 1. */
  lineNumber: number;
  /** The line as the user wrote it, without its line ending. */
  bytes: Buffer;
  format: LineFormat;
  endpoint: Endpoint;
  customId: string;
  /** `body.model`, or `params.model`, as written. */
  model: string;
  /** The request itself: `body`, or `params`. */
  body: JsonObject;
  /** Where the JSON values of custom_id and model stand in `bytes`. */
  spans: { customId: Span; model: Span };
}

/** What is wrong with one line, in the form of OpenAI's `batch.errors.data`. */
export interface LineError {
  code: string;
  message: string;
  param: string | null;
  /** Place in the input file, from 1; null for the file as a whole. */
  line: number | null;
}

export type ParsedLine =
  | { ok: true; request: RequestLine }
  | {
      ok: false;
      errors: LineError[] /** The id, where the line has one, so that an error can be addressed. */;
      customId: string | null;
    };

/** Longest custom_id, in bytes of UTF-8. */
export const maxCustomIdBytes = 512;

/**
 * Parses and validates one line of an input file as OpenAI does, and as strictly as byte splicing needs.
 *
 * @param endpoint what the batch is for; undefined for the first line, which then decides it.
 */
export function parseRequestLine(line: Line | OverlongLine, endpoint: Endpoint | undefined): ParsedLine {
  if (line.bytes === null) return refuse(line.lineNumber, null, [overlong(line)]);
  if (line.isKnownUtf8 !== true && !isUtf8(line.bytes))
    return refuse(line.lineNumber, null, [invalidJson('This line is not valid UTF-8.')]);
  const text = line.bytes.toString();
  const parsed = parseObject(text);
  if (!parsed) return refuse(line.lineNumber, null, [invalidJson('This line is not parseable as valid JSON.')]);
  const usual = usualRequest(line, text, parsed, endpoint);
  if (usual) return { ok: true, request: usual };
  return isNative(parsed, endpoint) ? parseNative(line, parsed, endpoint) : parseOpenAI(line, parsed, endpoint);
}

/** Longest custom_id that needs no counting: a code unit is at most three bytes of UTF-8. */
const shortCustomId = Math.floor(maxCustomIdBytes / 3);

/**
 * Most lines have nothing wrong and nothing odd about them, and that is quickly seen.
 *
 * @returns null for all others; the full examination says what they are.
 */
function usualRequest(
  line: Line,
  text: string,
  parsed: JsonObject,
  endpoint: Endpoint | undefined,
): RequestLine | null {
  const isWrapped = 'body' in parsed;
  const body = isWrapped ? parsed.body : parsed.params;
  const customId = parsed.custom_id;
  if (isWrapped ? !isUsualWrapping(parsed, endpoint) : !isNative(parsed, endpoint)) return null;
  if (typeof customId !== 'string' || customId === '' || customId.length > shortCustomId) return null;
  if (!isObject(body) || typeof body.model !== 'string' || body.model === '' || asksForStream(body)) return null;
  const spans = searchSpans(text, { members: parsed, customId, model: body.model });
  if (!spans) return null;
  return {
    lineNumber: line.lineNumber,
    bytes: line.bytes,
    format: isWrapped ? 'openai' : 'anthropic',
    endpoint: endpoint ?? (isEndpoint(parsed.url) ? parsed.url : '/v1/messages'),
    customId,
    model: body.model,
    body,
    spans: text.length === line.bytes.length ? spans : inBytes(text, spans),
  };
}

function isUsualWrapping(parsed: JsonObject, endpoint: Endpoint | undefined): boolean {
  const isRightUrl = endpoint === undefined ? isEndpoint(parsed.url) : parsed.url === endpoint;
  return isRightUrl && parsed.method === 'POST';
}

function asksForStream(body: JsonObject): boolean {
  return body.stream !== undefined && body.stream !== null && body.stream !== false;
}

function inBytes(text: string, { customId, model }: FoundSpans): FoundSpans {
  const before = (place: number) => Buffer.byteLength(text.slice(0, place));
  return {
    customId: { start: before(customId.start), end: before(customId.end) },
    model: { start: before(model.start), end: before(model.end) },
  };
}

type Problem = Omit<LineError, 'line'>;

function refuse(lineNumber: number, customId: string | null, problems: Problem[]): ParsedLine {
  return { ok: false, customId, errors: problems.map((problem) => ({ ...problem, line: lineNumber })) };
}

function overlong(line: OverlongLine): Problem {
  const message = `This line has ${line.byteLength} bytes; at most 16 MiB (16777216 bytes) are accepted. Refer to large content by URL or split the request.`;
  return { code: 'line_too_long', message, param: null };
}

function invalidJson(message: string): Problem {
  return { code: 'invalid_json_line', message, param: null };
}

function missing(param: string): Problem {
  return { code: 'missing_required_parameter', message: `Missing required parameter: '${param}'.`, param };
}

function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNative(parsed: JsonObject, endpoint: Endpoint | undefined): boolean {
  const hasParams = 'params' in parsed && !('body' in parsed) && !('url' in parsed);
  return hasParams && (endpoint === undefined || endpoint === '/v1/messages');
}

function parseNative(line: Line, parsed: JsonObject, endpoint: Endpoint | undefined): ParsedLine {
  const members = membersOf(line.bytes);
  const problems = [...customIdProblems(parsed), ...doubledKeys(members, '')];
  const body = parsed.params;
  if (!isObject(body)) problems.push(wrongType('params', 'an object', body));
  return finish(line, parsed, members, {
    problems,
    body,
    bodyKey: 'params',
    format: 'anthropic',
    endpoint: endpoint ?? '/v1/messages',
  });
}

function parseOpenAI(line: Line, parsed: JsonObject, endpoint: Endpoint | undefined): ParsedLine {
  const members = membersOf(line.bytes);
  const problems = [...customIdProblems(parsed), ...doubledKeys(members, '')];
  if (!('method' in parsed)) problems.push(missing('method'));
  else if (parsed.method !== 'POST')
    problems.push({
      code: 'invalid_method',
      message: "Invalid value for 'method': only POST is supported.",
      param: 'method',
    });
  problems.push(...urlProblems(parsed, endpoint));
  if (!('body' in parsed)) problems.push(missing('body'));
  else if (!isObject(parsed.body)) problems.push(wrongType('body', 'an object', parsed.body));
  const own = isEndpoint(parsed.url) ? parsed.url : endpoint;
  return finish(line, parsed, members, {
    problems,
    body: parsed.body,
    bodyKey: 'body',
    format: 'openai',
    endpoint: endpoint ?? own ?? '/v1/chat/completions',
  });
}

interface Draft {
  problems: Problem[];
  body: unknown;
  bodyKey: 'body' | 'params';
  format: LineFormat;
  endpoint: Endpoint;
}

function finish(line: Line, parsed: JsonObject, members: Member[], draft: Draft): ParsedLine {
  const { problems, body, bodyKey, format, endpoint } = draft;
  const customId = typeof parsed.custom_id === 'string' ? parsed.custom_id : null;
  const customIdSpan = members.find((member) => member.key === 'custom_id');
  const bodySpan = members.find((member) => member.key === bodyKey);
  const bodyMembers = bodySpan ? membersOf(line.bytes, bodySpan.start) : [];
  problems.push(...bodyProblems(body, bodyMembers, bodyKey, format));
  const modelSpan = bodyMembers.find((member) => member.key === 'model');
  const model = isObject(body) ? body.model : undefined;
  if (
    problems.length > 0 ||
    !isObject(body) ||
    typeof model !== 'string' ||
    customId === null ||
    !customIdSpan ||
    !modelSpan
  )
    return refuse(line.lineNumber, customId, problems);
  const spans = { customId: spanOf(customIdSpan), model: spanOf(modelSpan) };
  return {
    ok: true,
    request: { lineNumber: line.lineNumber, bytes: line.bytes, format, endpoint, customId, model, body, spans },
  };
}

function spanOf(member: Member): Span {
  return { start: member.start, end: member.end };
}

function customIdProblems(parsed: JsonObject): Problem[] {
  const value = parsed.custom_id;
  if (value === undefined || value === null || value === '') return [missing('custom_id')];
  if (typeof value !== 'string') return [wrongType('custom_id', 'a string', value)];
  const byteLength = Buffer.byteLength(value);
  if (byteLength <= maxCustomIdBytes) return [];
  const message = `'custom_id' has ${byteLength} bytes; at most ${maxCustomIdBytes} are accepted.`;
  return [{ code: 'invalid_custom_id', message, param: 'custom_id' }];
}

function urlProblems(parsed: JsonObject, endpoint: Endpoint | undefined): Problem[] {
  if (!('url' in parsed)) return [missing('url')];
  if (endpoint === undefined ? isEndpoint(parsed.url) : parsed.url === endpoint) return [];
  const message = 'The URL provided for this request does not match the batch endpoint.';
  return [{ code: 'invalid_url', message, param: 'url' }];
}

function bodyProblems(body: unknown, members: Member[], bodyKey: string, format: LineFormat): Problem[] {
  if (!isObject(body)) return [];
  const problems: Problem[] = [];
  const param = `${bodyKey}.model`;
  if (body.model === undefined || body.model === null || body.model === '')
    problems.push({ code: 'invalid_request', message: 'Model parameter is required.', param });
  else if (typeof body.model !== 'string') problems.push(wrongType(param, 'a string', body.model));
  if (members.filter((member) => member.key === 'model').length > 1) problems.push(doubled(param));
  if (asksForStream(body)) problems.push(streaming(bodyKey, format));
  return problems;
}

function streaming(bodyKey: string, format: LineFormat): Problem {
  const message =
    format === 'openai'
      ? 'Chat Completions: Streaming is not supported in the Batch API.'
      : 'Messages: Streaming is not supported in the Batch API.';
  return { code: 'streaming_unsupported', message, param: `${bodyKey}.stream` };
}

function doubledKeys(members: Member[], path: string): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { key } of members) {
    if (seen.has(key)) problems.push(doubled(path + key));
    seen.add(key);
  }
  return problems;
}

function doubled(param: string): Problem {
  return { code: 'duplicate_key', message: `'${param}' stands more than once in this line; keep one of them.`, param };
}

function wrongType(param: string, expected: string, value: unknown): Problem {
  const message = `Invalid type for '${param}': expected ${expected}, but got ${describe(value)}.`;
  return { code: 'invalid_type', message, param };
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`;
}
