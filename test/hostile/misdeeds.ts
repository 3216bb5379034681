import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { type Exchange, type Misdeed, type Reply, send } from './upstream.ts';

// What servers, and whatever stands in front of them, do in place of answering. All of it has been seen in the open.

/** The request takes effect, and something else is answered. */
export function inPlace(change: (right: Reply, exchange: Exchange) => Reply): Misdeed {
  return {
    answer: async (exchange) => send(exchange.response, change(await exchange.right(), exchange)),
    bytes: (right) => change({ status: 200, headers: {}, body: right }, bucketExchange).body,
  };
}

/** Nothing is done, and this is answered. */
export function refusing(status: number, headers: Record<string, string>, body: string): Misdeed {
  const reply = { status, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(body) };
  return { answer: ({ response }) => send(response, reply) };
}

/** A bucket has no calls; what is done to its bytes asks for none. */
const bucketExchange = { call: { operation: 'results', number: 1 } } as Exchange;

function body(text: string, contentType = 'application/json'): Misdeed {
  return inPlace(() => ({ status: 200, headers: { 'content-type': contentType }, body: Buffer.from(text) }));
}

export function text(change: (text: string) => string): Misdeed {
  return inPlace((right) => ({ ...right, body: Buffer.from(change(right.body.toString('utf8'))) }));
}

/** The request takes effect, and the answer goes out byte by byte as given, after which the connection is closed. */
function raw(write: (right: Reply, exchange: Exchange) => void | Promise<void>): Misdeed {
  return {
    answer: async (exchange) => {
      const right = await exchange.right();
      exchange.socket.on('error', () => undefined);
      await write(right, exchange);
    },
  };
}

function bytes(build: (right: Reply) => string | Buffer): Misdeed {
  return raw((right, { socket }) => {
    socket.end(build(right));
  });
}

function head(status: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`;
}

function whole({ headers, body: content }: Reply, more: Record<string, string> = {}): Buffer {
  const length = { 'content-length': String(content.length) };
  return Buffer.concat([Buffer.from(head('200 OK', { ...length, ...headers, ...more })), content]);
}

function half(content: Buffer): Buffer {
  return content.subarray(0, Math.floor(content.length / 2));
}

function chunk(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]);
}

const chunked = (headers: Record<string, string>) => head('200 OK', { ...headers, 'transfer-encoding': 'chunked' });
const page = `<!doctype html>\n<html><body>${'<p>Please sign in.</p>\n'.repeat(50)}</body></html>\n`;
const errorDocument = '{"error":{"message":"upstream busy","type":"server_error","code":null}}';

/** Those of the connection: the answer is right, or would be, and does not come through as it is. */
const transport: Record<string, Misdeed> = {
  'resets the connection once it is done': raw((_right, { socket }) => void socket.resetAndDestroy()),
  'resets the connection before it has read': {
    isHasty: true,
    answer: ({ socket }) => void socket.resetAndDestroy(),
  },
  'closes the connection without a word': bytes(() => ''),
  'breaks off within the head': bytes(() => 'HTTP/1.1 200 OK\r\ncontent-ty'),
  'promises more bytes than come': bytes((right) =>
    Buffer.concat([
      Buffer.from(head('200 OK', { ...right.headers, 'content-length': String(right.body.length + 100) })),
      right.body,
    ]),
  ),
  'promises fewer bytes than come': bytes((right) =>
    Buffer.concat([
      Buffer.from(head('200 OK', { ...right.headers, 'content-length': String(right.body.length - 9) })),
      right.body,
    ]),
  ),
  'breaks off within a chunk': bytes((right) =>
    Buffer.concat([Buffer.from(chunked(right.headers)), half(chunk(right.body))]),
  ),
  'sends a chunk of no size': bytes((right) => `${chunked(right.headers)}size\r\n${right.body}\r\n0\r\n\r\n`),
  'ends its chunks half way': bytes((right) =>
    Buffer.concat([Buffer.from(chunked(right.headers)), chunk(half(right.body)), Buffer.from('0\r\n\r\n')]),
  ),
  'closes half way through a body without a length': bytes((right) =>
    Buffer.concat([Buffer.from(head('200 OK', { ...right.headers, connection: 'close' })), half(right.body)]),
  ),
  'compresses, and ends half way': inPlace((right) => compressed(right, half(gzipSync(right.body)))),
  'says that it compresses, and does not': inPlace((right) => compressed(right, right.body)),
  'compresses otherwise than it says': inPlace((right) => compressed(right, deflateSync(right.body))),
  'says two lengths': bytes(({ headers, body: content }) => {
    const lengths = `content-length: ${content.length}\r\ncontent-length: ${content.length + 7}\r\n`;
    return `${head('200 OK', headers).slice(0, -2)}${lengths}\r\n${content}`;
  }),
  'says a length that is no number': bytes(
    ({ headers, body: content }) => `${head('200 OK', { ...headers, 'content-length': 'all of it' })}${content}`,
  ),
  'sends a head of 100 KB': bytes((right) => whole(right, { 'x-trace': 'x'.repeat(100_000) })),
  'sends 3,000 headers': bytes((right) =>
    whole(right, Object.fromEntries(Array.from({ length: 3_000 }, (_, place) => [`x-${place}`, String(place)]))),
  ),
  'sends a header that is none': bytes((right) => whole(right, { 'x y\u0001': 'z' })),
  'speaks another protocol': bytes(() => 'SSH-2.0-OpenSSH_9.6\r\n'),
  'asks to go on, unasked': bytes((right) => Buffer.concat([Buffer.from(head('100 Continue', {})), whole(right)])),
  'switches protocols': bytes(() => head('101 Switching Protocols', { upgrade: 'h2c', connection: 'upgrade' })),
  'answers with a status that there is not': bytes((right) => `${head('999 Blocked', right.headers)}${page}`),
  'redirects to itself': {
    answer: ({ call, response }) => send(response, redirect(302, call.path)),
  },
  'redirects to a sign-on page': {
    answer: ({ response }) => send(response, redirect(307, 'http://127.0.0.1:9/sign-on')),
  },
  'has no content': inPlace(() => ({ status: 204, headers: {}, body: Buffer.alloc(0) })),
  'has half of the content': inPlace(({ headers, body: content }) => ({
    status: 206,
    headers: { ...headers, 'content-range': `bytes 0-${half(content).length - 1}/${content.length}` },
    body: half(content),
  })),
  'has nothing new': inPlace(() => ({ status: 304, headers: { etag: '"1"' }, body: Buffer.alloc(0) })),
};

function compressed({ status, headers }: Reply, content: Buffer): Reply {
  return { status, headers: { ...headers, 'content-encoding': 'gzip' }, body: content };
}

function redirect(status: number, location: string): Reply {
  return { status, headers: { location }, body: Buffer.alloc(0) };
}

/** Those of the content: what comes is whole, and is not what was asked for. */
const content: Record<string, Misdeed> = {
  'answers with a page': body(page, 'text/html; charset=utf-8'),
  'answers with a page that says that it is JSON': body(page),
  "answers with an error's document": body(errorDocument),
  "answers with an error's document of many lines": body(JSON.stringify(JSON.parse(errorDocument), null, 2)),
  'answers with nothing': body(''),
  'answers with null': body('null'),
  'answers with an empty list': body('[]'),
  'answers with 100,000 brackets': body(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  'answers in UTF-16': inPlace((right) => ({
    ...right,
    headers: { 'content-type': 'application/json; charset=utf-16le' },
    body: Buffer.from(`\uFEFF${right.body}`, 'utf16le'),
  })),
  'answers with what is cut in the middle of a character': inPlace((right) => ({
    ...right,
    body: Buffer.concat([right.body.subarray(0, -3), Buffer.from([0xf0, 0x9f, 0x98])]),
  })),
  'writes null for everything that it need not say': text((right) => eachObject(right, withNulls)),
  'fails with a page of 3 MB': inPlace(() => ({ status: 502, headers: {}, body: Buffer.from(page.repeat(2_000)) })),
};

const needed = new Set(['id', 'name', 'jobArn', 'custom_id', 'key', 'recordId', 'metadata', 'state', 'data']);

function withNulls(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, needed.has(name) ? member : null]));
}

/** Changes each document or line of an answer; what is no JSON stays. */
export function eachObject(right: string, change: (value: Record<string, unknown>) => Record<string, unknown>): string {
  const lines = right
    .split('\n')
    .map((line) => (line.startsWith('{') ? JSON.stringify(change(JSON.parse(line))) : line));
  return lines.join('\n');
}

/** Those that say that it is too much or broken, and how long to wait. */
const waits: Record<string, Misdeed> = {
  'asks to wait for minus one second': refusing(429, { 'retry-after': '-1' }, errorDocument),
  'asks to wait for thirty years': refusing(429, { 'retry-after': '1000000000' }, errorDocument),
  'asks to wait until last year': refusing(429, { 'retry-after': 'Thu, 01 Jan 2015 00:00:00 GMT' }, errorDocument),
  'asks to wait for a while': refusing(503, { 'retry-after': 'a while' }, errorDocument),
  'asks to wait for 1e309 seconds': refusing(503, { 'retry-after': '1e309', 'retry-after-ms': '-5' }, page),
};

/** Strange, and right all the same: nothing of it may be taken for a fault. */
export const oddities: Record<string, Misdeed> = {
  'sends a hundred interim answers': bytes((right) =>
    Buffer.concat([
      Buffer.from(head('102 Processing', {}).repeat(60)),
      Buffer.from(head('103 Early Hints', { link: '</style.css>; rel=preload' }).repeat(40)),
      whole(right),
    ]),
  ),
  'sends one byte at a time': raw(async (right, { socket }) => {
    const all = whole(right);
    for (let at = 0; at < all.length; at += Math.ceil(all.length / 60)) {
      socket.write(all.subarray(at, at + Math.ceil(all.length / 60)));
      await sleep(3);
    }
    socket.end();
  }),
  'sends garbage behind its answer': raw(async (right, { socket }) => {
    socket.write(Buffer.concat([whole(right), Buffer.from('<!-- cached by proxy 7 -->\r\n')]));
    await sleep(50);
    socket.destroy();
  }),
  compresses: inPlace((right) => compressed(right, gzipSync(right.body))),
  'begins with a byte order mark': text((right) => `\uFEFF${right}`),
  'ends its lines as Windows does, with blank ones between': text((right) => right.replaceAll('\n', '\r\n\r\n')),
  'writes each member twice': text((right) => right.replace(/^\{("[^"]+":(?:"[^"]*"|null|\d+)),/gm, '{$1,$1,')),
  'says each line twice': inPlace((right, { call }) =>
    call.operation === 'results' ? { ...right, body: Buffer.concat([right.body, right.body]) } : right,
  ),
  'adds members that nobody knows': text((right) =>
    eachObject(right, (value) => ({ x_new: { deep: [{ a: 1e308 }] }, ...value, 'constructor ': '__proto__' })),
  ),
  'adds lines of another batch': inPlace((right, { call }) =>
    call.operation === 'results' ? { ...right, body: Buffer.from(`${strangers(right.body)}${right.body}`) } : right,
  ),
};

// A bucket's bytes are what they are: nothing between compresses them on the way.
delete oddities.compresses?.bytes;
for (const misdeed of Object.values(transport)) delete misdeed.bytes;

/** The same lines under the ids of somebody else. */
export function strangers(lines: Buffer): string {
  return lines.toString('utf8').replaceAll(/b[0-9a-z]{46}/g, `b${'0'.repeat(46)}`);
}

export const misdeeds: Record<string, Misdeed> = { ...transport, ...content, ...waits };
