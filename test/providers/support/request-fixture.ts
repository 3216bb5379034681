import type { BatchProviderKind } from '../../../lib/providers/config.ts';
import { isObject, type JsonObject } from '../../../lib/records/json.ts';
import { wires } from '../../fixtures/providers/every-provider.ts';
import type { DocumentedTypes } from '../../fixtures/providers/subject.ts';
import { apiKey } from './connected-provider.ts';
import type { Calls, Recording } from './recorded-requests.ts';
import type { SentRequest } from './recording-proxy.ts';

/** The text of a kind's file in test/fixtures/requests. */
export function requestFixture(kind: BatchProviderKind | 'live', { batches, names }: Recording): string {
  const requests: JsonObject[] = [];
  const show = (request: SentRequest) => {
    const one = shown(request, wires[kind].documentedTypes, names);
    requests.push(one);
    return one;
  };
  const shownBatches = Object.entries(batches).map(([name, calls]) => {
    if (!isCalls(calls)) return [name, calls];
    return [name, Object.fromEntries(Object.entries(calls).map(([call, sent]) => [call, sent.map(show)]))];
  });
  const headers = withoutCommonHeaders(requests);
  return `// What goes to ${kind}: test/providers/sent-requests.test.ts records it, and writes it again with \`vitest -u\`.
import type * as documented from '../documented-requests.ts';

/** Headers that every request has. */
export const headers = ${literal(headers)};

/** By endpoint, model and call. */
export const requests = ${literal(Object.fromEntries(shownBatches))};
`;
}

/** The text of a file in test/fixtures/answers: values of one documented type, by what they are. */
export function documentedFixture(values: JsonObject, type: string, lineId: string): string {
  const steady = JSON.stringify(values)
    .replaceAll(lineId, '<line>')
    .replace(/"(created|created_at)":\d{10}\b/g, '"$1":1');
  const read: unknown = JSON.parse(steady);
  const all = Object.entries(isObject(read) ? read : {}).map(([name, value]) => [
    name,
    isObject(value) ? new Documented(value, type) : value,
  ]);
  return `// What customers get: test/providers/strict-clients.test.ts writes it again with \`vitest -u\`.
import type * as documented from '../documented-answers.ts';

export const answers = ${literal(Object.fromEntries(all))};
`;
}

function steadyText(text: string, names: ReadonlyMap<string, string>): string {
  let steady = text.replaceAll(apiKey, '<key>').replace(/upload_id=\w+/, 'upload_id=<upload>');
  for (const [id, name] of names) steady = steady.replaceAll(id, name);
  return steady;
}

function isCalls(calls: Recording['batches'][string]): calls is Calls {
  return !('refused' in calls);
}

/** A value whose type the compiler checks, once it stands in a fixture. */
class Documented {
  readonly value: JsonObject;
  readonly type: string;

  constructor(value: JsonObject, type: string) {
    this.value = value;
    this.type = type;
  }
}

/** Headers that differ between machines, moments and versions of an SDK, and those of the connection itself. */
const unsteadyHeaders =
  /^(host|connection|keep-alive|content-length|transfer-encoding|user-agent|accept-encoding|accept-language|sec-fetch-mode|x-stainless-.*|amz-sdk-.*|x-amz-user-agent|x-amz-date|x-amz-content-sha256|x-amz-security-token)$/;

/**
 * A request as a fixture shows it.
 *
 * @param names what to show in the place of ids that are new each time.
 */
export function shown(request: SentRequest, types: DocumentedTypes, names: ReadonlyMap<string, string>): JsonObject {
  const steady = (text: string) => steadyText(text, names);
  const headers = Object.entries(request.headers)
    .filter(([name]) => !unsteadyHeaders.test(name))
    .map(([name, value]) => [name, steadyHeader(name, steady(String(value)))] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  const { body } = request;
  return {
    request: `${request.method} ${decodeURI(inOrder(steady(request.url)))}`,
    headers: Object.fromEntries(headers),
    ...(body.length > 0 && contentOf(request.headers['content-type'] ?? '', steady(body.toString()), types)),
  };
}

/** Whatever the order of its parameters. */
function inOrder(url: string): string {
  const [path = '', query] = url.split('?');
  return query === undefined ? path : `${path}?${query.split('&').toSorted().join('&')}`;
}

function steadyHeader(name: string, value: string): string {
  if (name === 'authorization')
    return value.replace(/Credential=[^/]+\/\d+\/(.+?), SignedHeaders=.*/, 'Credential=<key>/<date>/$1, <signature>');
  return name === 'content-type' ? value.replace(/boundary=.*/, 'boundary=<boundary>') : value;
}

function contentOf(contentType: string, text: string, types: DocumentedTypes): JsonObject {
  if (contentType.startsWith('multipart/')) return { form: formOf(text, types) };
  if (/^application\/json(;|$)/.test(contentType)) return { body: documented(JSON.parse(text), types.body) };
  return { lines: linesOf(text, types) };
}

function formOf(text: string, types: DocumentedTypes): JsonObject {
  const boundary = text.slice(0, text.indexOf('\r\n'));
  const parts = text.split(boundary).slice(1, -1);
  return Object.fromEntries(parts.map((part) => fieldOf(part, types)));
}

function fieldOf(part: string, types: DocumentedTypes): [string, unknown] {
  const [head = '', ...rest] = part.trim().split('\r\n\r\n');
  const content = rest.join('\r\n\r\n');
  const [, name = '', fileName] = /name="([^"]*)"(?:; filename="([^"]*)")?/.exec(head) ?? [];
  if (fileName === undefined) return [name, content];
  const [, type] = /content-type: (.*)/i.exec(head) ?? [];
  return [name, { fileName, type, lines: linesOf(content, types) }];
}

function linesOf(text: string, types: DocumentedTypes): unknown[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => documented(JSON.parse(line), types.line));
}

function documented(value: JsonObject, typeOf: DocumentedTypes['line']): unknown {
  const type = typeOf(value);
  return type === null ? value : new Documented(value, type);
}

/** Takes out of all what all have in common. */
function withoutCommonHeaders(requests: readonly JsonObject[]): JsonObject {
  const sent = requests.flatMap(({ headers }) =>
    isObject(headers) && Object.keys(headers).length > 0 ? [headers] : [],
  );
  const [first = {}, ...others] = sent;
  const common = Object.entries(first).filter(([name, value]) => others.every((headers) => headers[name] === value));
  for (const request of requests) {
    const own = isObject(request.headers) ? Object.entries(request.headers) : [];
    const left = own.filter(([name]) => !common.some(([known]) => known === name));
    if (left.length > 0) request.headers = Object.fromEntries(left);
    else delete request.headers;
  }
  return Object.fromEntries(common);
}

/** Longest value on one line; the name before it may make the line a little longer. */
const lineWidth = 105;

/** The value as it is written in TypeScript. */
function literal(value: unknown, indent = ''): string {
  if (value instanceof Documented) return `${literal(value.value, indent)} satisfies documented.${value.type}`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{ ', ' }'];
  const items = (deeper: string) =>
    Object.entries(value).map(
      ([name, item]) => `${Array.isArray(value) ? '' : `${keyOf(name)}: `}${literal(item, deeper)}`,
    );
  // What is long as JSON is so here, too: asked at each depth, the exact question would take for ever.
  if (JSON.stringify(value).length < 2 * lineWidth) {
    const onOneLine = `${open}${items('').join(', ')}${close}`;
    if (!onOneLine.includes('\n') && indent.length + onOneLine.length <= lineWidth) return onOneLine;
  }
  const deeper = `${indent}  `;
  return `${open.trim()}\n${items(deeper)
    .map((item) => `${deeper}${item},\n`)
    .join('')}${indent}${close.trim()}`;
}

function keyOf(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  const json = JSON.stringify(text);
  return text.includes("'") && !text.includes('"')
    ? json
    : `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
