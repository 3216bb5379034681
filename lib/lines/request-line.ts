import { isUtf8 } from 'node:buffer';
import { type Endpoint, endpointOf, endpoints, nearestEndpoint } from '../records/endpoints.ts';
import { isObject, type JsonObject } from '../records/json.ts';
import type { LineError } from '../records/openai-batch.ts';
import { parseJson } from '../records/parse-json.ts';
import { findJsonFault } from './json-fault.ts';
import { type Member, membersOf, type Span } from './json-spans.ts';
import { isOverlong, type Line, type OverlongLine, textOf } from './jsonl.ts';
import { type LineHead, readLineHead } from './line-head.ts';
import { modelNameProblem } from './model-name.ts';
import { holdsUnpairedSurrogate, mayHoldSurrogates } from './unpaired-surrogates.ts';

/** How a line was written, and so how it is answered: OpenAI's batch form, or Anthropic's `{custom_id, params}`. */
export type LineFormat = 'openai' | 'anthropic';

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
  /** False where method or url are missing or written otherwise than a provider of OpenAI's form takes them. */
  isAddressed: boolean;
}

export type ParsedLine =
  | { ok: true; request: RequestLine }
  | {
      ok: false;
      errors: LineError[];
      /** The id, where the line has one, so that an error can be addressed. */
      customId: string | null;
      format: LineFormat;
    };

/** Longest custom_id, in bytes of UTF-8. */
export const maxCustomIdBytes = 512;

/**
 * Parses and validates one line of an input file as OpenAI does, and as strictly as byte splicing needs.
 *
 * @param endpoint what the url of a line in OpenAI's form must be; undefined for the first one, which then decides it.
 * Lines in Anthropic's own form stand in any batch.
 * @param isAddressOptional whether method and url may be missing, as in the own form of Together and Mistral; the endpoint is known then.
 */
export function parseRequestLine(
  line: Line | OverlongLine,
  endpoint: Endpoint | undefined,
  isAddressOptional = false,
): ParsedLine {
  const address: AddressRule = { endpoint, isOptional: isAddressOptional && endpoint !== undefined };
  if (isOverlong(line)) return refuse(line.lineNumber, null, [line.refusal ?? overlong(line)]);
  if (line.isKnownUtf8 !== true && !isUtf8(line.bytes))
    return refuse(line.lineNumber, null, [invalidJson('This line is not valid UTF-8.')]);
  const text = textOf(line);
  const usual = usualRequest(line, text, address);
  const maySurrogates = mayHoldSurrogates(text);
  // What stands before the body of a usual line is plain ASCII.
  if (usual && !(maySurrogates && holdsUnpairedSurrogate(usual.body))) return { ok: true, request: usual };
  const parsed = parseObject(text);
  if (!parsed) return refuse(line.lineNumber, customIdAtStart(text), [noObject(text)]);
  const broken = maySurrogates ? surrogateProblems(parsed) : [];
  return isNative(parsed) ? parseNative(line, parsed, broken) : parseOpenAI(line, parsed, address, broken);
}

/** What method and url of a line in OpenAI's form must be. */
interface AddressRule {
  endpoint: Endpoint | undefined;
  isOptional: boolean;
}

/**
 * Most lines have nothing wrong and nothing odd about them, and that is quickly seen: their beginning is read, and only
 * the rest is parsed.
 *
 * @returns null for all others; the full examination says what they are.
 */
function usualRequest(line: Line, text: string, address: AddressRule): RequestLine | null {
  const head = readLineHead(text);
  if (!head || head.customId === '' || head.customId.length > maxCustomIdBytes) return null;
  if (head.model === '' || modelNameProblem(head.model) !== null) return null;
  const own = addressedEndpoint(head, address);
  const body = own && parseRest(text, head.rest);
  // A second model would be the one that counts.
  if (!body || 'model' in body || asksForStream(body) || (head.bodyKey === 'params' && hasChatTools(body))) return null;
  body.model = head.model;
  return new UsualRequest(line, head, own, body);
}

/** @returns null where the line is in OpenAI's form and not for the batch's endpoint. */
function addressedEndpoint(head: LineHead, { endpoint, isOptional }: AddressRule): Endpoint | null {
  if (head.bodyKey === 'params') return head.url === null ? '/v1/messages' : null;
  if (head.method !== 'POST' && !(isOptional && head.method === null)) return null;
  if (head.url === null) return isOptional ? (endpoint ?? null) : null;
  const stated = head.url === endpoint ? endpoint : endpointOf(head.url);
  return endpoint === undefined || stated === endpoint ? stated : null;
}

/** @returns the members behind the model; null where there are none, or where the line is not valid JSON. */
function parseRest(text: string, start: number): JsonObject | null {
  if (!text.endsWith('}')) return null;
  const rest = parseObject(`{${text.slice(start, -1)}`);
  for (const _key in rest) return rest;
  return null;
}

class UsualRequest implements RequestLine {
  readonly lineNumber: number;
  readonly format: LineFormat;
  readonly endpoint: Endpoint;
  readonly customId: string;
  readonly model: string;
  readonly body: JsonObject;
  readonly spans: LineHead['spans'];
  readonly isAddressed: boolean;
  readonly #line: Line;

  constructor(line: Line, head: LineHead, endpoint: Endpoint, body: JsonObject) {
    this.lineNumber = line.lineNumber;
    this.format = head.bodyKey === 'body' ? 'openai' : 'anthropic';
    this.endpoint = endpoint;
    this.customId = head.customId;
    this.model = head.model;
    this.body = body;
    this.spans = head.spans;
    this.isAddressed = head.bodyKey === 'params' || (head.url === endpoint && head.method !== null);
    this.#line = line;
  }

  get bytes(): Buffer {
    return this.#line.bytes;
  }
}

function asksForStream(body: JsonObject): boolean {
  return body.stream !== undefined && body.stream !== null && body.stream !== false;
}

type Problem = Omit<LineError, 'line'>;

function refuse(
  lineNumber: number,
  customId: string | null,
  problems: Problem[],
  format: LineFormat = 'openai',
): ParsedLine {
  return { ok: false, customId, format, errors: problems.map((problem) => ({ ...problem, line: lineNumber })) };
}

function overlong(line: OverlongLine): Problem {
  const message = `This line has ${line.byteLength} bytes; at most 16 MiB (16777216 bytes) are accepted. Refer to large content by URL or split the request.`;
  return { code: 'line_too_long', message, param: null };
}

function invalidJson(message: string): Problem {
  return { code: 'invalid_json_line', message, param: null };
}

/** Why a line is no object: where it stops being JSON, or what it is instead. */
function noObject(text: string): Problem {
  const fault = findJsonFault(text);
  if (fault === null) return invalidJson(`This line is JSON, but no object: it is ${otherValue(parseJson(text))}.`);
  return invalidJson(`This line is not parseable as valid JSON. At character ${fault.at + 1}: ${fault.what}.`);
}

function otherValue(value: unknown): string {
  if (typeof value !== 'string') return describe(value);
  return parseObject(value) ? 'a text that holds an object: it was made JSON twice' : 'a text';
}

/** The id of a line that is no JSON as a whole, where it stands first and can be read. */
function customIdAtStart(text: string): string | null {
  const [, written = ''] = /^\s*\{\s*"custom_id"\s*:\s*("(?:[^"\\]|\\.){1,512}")/.exec(text.slice(0, 4_096)) ?? [];
  try {
    const id: unknown = JSON.parse(written);
    return typeof id === 'string' && id.isWellFormed() && Buffer.byteLength(id) <= maxCustomIdBytes ? id : null;
  } catch {
    return null;
  }
}

function missing(param: string): Problem {
  return { code: 'missing_required_parameter', message: `Missing required parameter: '${param}'.`, param };
}

/** Of Together's and Mistral's own form. */
const bareLine: Problem = {
  ...missing('url'),
  message:
    "Missing required parameter: 'url'. Lines of custom_id and body alone need the batch's provider and endpoint options.",
};

function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = parseJson(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isNative(parsed: JsonObject): boolean {
  return 'params' in parsed && !('body' in parsed) && !('url' in parsed);
}

function parseNative(line: Line, parsed: JsonObject, broken: Problem[]): ParsedLine {
  const members = membersOf(line.bytes);
  const problems = [...customIdProblems(parsed), ...doubledKeys(members, ''), ...broken];
  const body = parsed.params;
  if (!isObject(body)) problems.push(wrongType('params', 'an object', body));
  else if (hasChatTools(body)) problems.push(chatTools);
  return finish(line, parsed, members, {
    problems,
    body,
    bodyKey: 'params',
    format: 'anthropic',
    endpoint: '/v1/messages',
    isAddressed: true,
  });
}

/** OpenAI writes `{type: 'function', function: {...}}` where Anthropic writes `{name, input_schema}`. */
function hasChatTools({ tools }: JsonObject): boolean {
  return (
    Array.isArray(tools) && tools.some((tool) => isObject(tool) && tool.type === 'function' && isObject(tool.function))
  );
}

const chatTools: Problem = {
  code: 'invalid_request',
  message:
    "This line is in Anthropic's form, {custom_id, params}, but its tools are in OpenAI's. Write them as {name, description, input_schema}, or write the line in OpenAI's form, {custom_id, method, url, body}.",
  param: 'params.tools',
};

function parseOpenAI(line: Line, parsed: JsonObject, address: AddressRule, broken: Problem[]): ParsedLine {
  const members = membersOf(line.bytes);
  const problems = [...customIdProblems(parsed), ...doubledKeys(members, ''), ...broken];
  problems.push(...methodProblems(parsed, address), ...urlProblems(parsed, address));
  if (!('body' in parsed)) problems.push(missing('body'));
  else if (!isObject(parsed.body)) problems.push(wrongType('body', 'an object', parsed.body));
  const endpoint = address.endpoint ?? endpointOf(parsed.url) ?? '/v1/chat/completions';
  return finish(line, parsed, members, {
    problems,
    body: parsed.body,
    bodyKey: 'body',
    format: 'openai',
    endpoint,
    isAddressed: parsed.method === 'POST' && parsed.url === endpoint,
  });
}

interface Draft {
  problems: Problem[];
  body: unknown;
  bodyKey: 'body' | 'params';
  format: LineFormat;
  endpoint: Endpoint;
  isAddressed: boolean;
}

function finish(line: Line, parsed: JsonObject, members: Member[], draft: Draft): ParsedLine {
  const { problems, body, bodyKey, format, endpoint, isAddressed } = draft;
  // An id that UTF-8 cannot write would come back as another one.
  const customId = typeof parsed.custom_id === 'string' && parsed.custom_id.isWellFormed() ? parsed.custom_id : null;
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
    return refuse(line.lineNumber, customId, problems, format);
  const spans = { customId: spanOf(customIdSpan), model: spanOf(modelSpan) };
  const { lineNumber, bytes } = line;
  return { ok: true, request: { lineNumber, bytes, format, endpoint, customId, model, body, spans, isAddressed } };
}

function spanOf(member: Member): Span {
  return { start: member.start, end: member.end };
}

function customIdProblems(parsed: JsonObject): Problem[] {
  const value = parsed.custom_id;
  if (value === undefined || value === null || value === '') return [missing('custom_id')];
  if (typeof value !== 'string') return [wrongType('custom_id', 'a string', value)];
  if (!value.isWellFormed()) {
    const message = `'custom_id' holds ${unpaired}; it could not be given back as it is.`;
    return [{ code: 'invalid_custom_id', message, param: 'custom_id' }];
  }
  const byteLength = Buffer.byteLength(value);
  if (byteLength <= maxCustomIdBytes) return [];
  const message = `'custom_id' has ${byteLength} bytes; at most ${maxCustomIdBytes} are accepted.`;
  return [{ code: 'invalid_custom_id', message, param: 'custom_id' }];
}

const unpaired = 'half of a surrogate pair alone (\\ud800 to \\udfff), as a text has that was cut inside a character';

/** One for the line, named by the innermost member of the request that is easily named; an id has a problem of its own. */
function surrogateProblems(parsed: JsonObject): Problem[] {
  const { custom_id: _id, ...others } = parsed;
  const [path = '', value] = firstBroken('', others) ?? [];
  if (path === '') return [];
  const [innermost] = (isObject(value) && firstBroken(`${path}.`, value)) || [path];
  return [{ code: 'invalid_json_line', message: `'${innermost}' holds ${unpaired}.`, param: innermost }];
}

function firstBroken(prefix: string, members: JsonObject): [param: string, value: unknown] | undefined {
  const found = Object.entries(members).find((member) => holdsUnpairedSurrogate(member));
  return found && [`${prefix}${found[0].toWellFormed()}`, found[1]];
}

function methodProblems(parsed: JsonObject, { isOptional }: AddressRule): Problem[] {
  if (!('method' in parsed)) return isOptional ? [] : [missing('method')];
  if (parsed.method === 'POST') return [];
  return [{ code: 'invalid_method', message: "Invalid value for 'method': only POST is supported.", param: 'method' }];
}

function urlProblems(parsed: JsonObject, { endpoint, isOptional }: AddressRule): Problem[] {
  if (!('url' in parsed)) return isOptional ? [] : ['method' in parsed ? missing('url') : bareLine];
  const stated = endpointOf(parsed.url);
  if (stated !== null && (endpoint === undefined || stated === endpoint)) return [];
  const message = `The URL provided for this request does not match the batch endpoint. ${urlAdvice(parsed.url, endpoint)}`;
  return [{ code: 'invalid_url', message, param: 'url' }];
}

const maxShownUrl = 100;

function urlAdvice(url: unknown, endpoint: Endpoint | undefined): string {
  const written = JSON.stringify(url) ?? 'undefined';
  const shown = written.length > maxShownUrl ? `${written.slice(0, maxShownUrl)}…` : written;
  if (endpoint !== undefined)
    return `It is ${shown}, and this batch is for '${endpoint}', by its endpoint option or its first line.`;
  const nearest = typeof url === 'string' ? nearestEndpoint(url) : null;
  const meant = nearest === null ? '' : ` Did you mean '${nearest}'?`;
  return `It is ${shown}.${meant} Supported are ${endpoints.join(', ')}.`;
}

function bodyProblems(body: unknown, members: Member[], bodyKey: string, format: LineFormat): Problem[] {
  if (!isObject(body)) return [];
  const problems: Problem[] = [];
  const param = `${bodyKey}.model`;
  if (body.model === undefined || body.model === null || body.model === '')
    problems.push({ code: 'invalid_request', message: 'Model parameter is required.', param });
  else if (typeof body.model !== 'string') problems.push(wrongType(param, 'a string', body.model));
  else problems.push(...modelProblems(body.model, param));
  if (members.filter((member) => member.key === 'model').length > 1) problems.push(duplicateKey(param));
  if (asksForStream(body)) problems.push(streaming(bodyKey, format));
  return problems;
}

function modelProblems(model: string, param: string): Problem[] {
  const problem = modelNameProblem(model);
  return problem === null ? [] : [{ code: 'invalid_request', message: `'${param}' ${problem}.`, param }];
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
    if (seen.has(key)) problems.push(duplicateKey(path + key));
    seen.add(key);
  }
  return problems;
}

function duplicateKey(param: string): Problem {
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
