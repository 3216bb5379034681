import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Work } from './work.ts';

/** A `check` is a list of one, by which an account is tried before anything is sent. */
export type Operation = 'upload' | 'create' | 'retrieve' | 'list' | 'check' | 'results' | 'cancel' | 'other';

export interface Call {
  operation: Operation;
  /** Of this operation since the script began, from 1. */
  number: number;
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** By the clock that tests turn, unix milliseconds. */
  atMs: number;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export interface Exchange {
  call: Call;
  /** Does what was asked, and gives the answer that a server of good will would send. */
  right(): Promise<Reply>;
  response: ServerResponse;
  socket: Socket;
}

/** What goes out in place of the right answer. */
export interface Misdeed {
  answer(exchange: Exchange): void | Promise<void>;
  /** The same done to results that are read from a bucket; absent where only a connection can misbehave so. */
  bytes?: (right: Buffer) => Buffer;
  /** It does not wait for the body of the request. */
  isHasty?: boolean;
}

/** Which misdeed a call meets; null for a right answer. */
export type Script = (call: Pick<Call, 'operation' | 'number' | 'atMs'> & { wire: string }) => Misdeed | null;

/** How a provider speaks, from its public documents; everything here is what a server of good will does. */
export interface Wire {
  name: string;
  /** An entry of the configuration. */
  account(url: string): object;
  /** As the provider calls it. */
  model: string;
  operationOf(method: string, path: string): Operation;
  /** @throws Missing */
  right(work: Work, call: Call, url: string): Reply | Promise<Reply>;
}

/** A server that keeps what it accepts, ends every batch at once, and answers each call as its script says. */
export interface Upstream {
  wire: Wire;
  url: string;
  work: Work;
  calls: Call[];
  /** Forgets all that was, and misbehaves like this from now on. */
  begin(script: Script): void;
  close(): Promise<void>;
}

/** How the services call the size of a page. */
const sizeNames = ['limit', 'page_size', 'pageSize', 'maxResults'];

export async function startUpstream(wire: Wire): Promise<Upstream> {
  let script: Script = () => null;
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  const upstream: Upstream = {
    wire,
    url: '',
    work: new Work(),
    calls,
    begin: (next) => {
      script = next;
      calls.length = 0;
      upstream.work = new Work();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
    const method = request.method ?? 'GET';
    const asked = wire.operationOf(method, pathname);
    const operation = asked === 'list' && sizeNames.some((name) => searchParams.get(name) === '1') ? 'check' : asked;
    const call: Call = {
      operation,
      number: calls.filter((earlier) => earlier.operation === operation).length + 1,
      method,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: Buffer.alloc(0),
      atMs: Date.now(),
    };
    calls.push(call);
    const misdeed = script({ ...call, wire: wire.name });
    if (!misdeed?.isHasty) call.body = await bodyOf(request);
    // Results in a bucket are what they are when somebody looks at the batch.
    const bucketCall = { operation: 'results', number: call.number, atMs: call.atMs, wire: wire.name } as const;
    upstream.work.changeResults = script(bucketCall)?.bytes ?? ((right) => right);
    const right = async () => wire.right(upstream.work, call, upstream.url);
    if (misdeed) await misdeed.answer({ call, right, response, socket: request.socket });
    else send(response, await right());
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}

export function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, { 'content-length': String(body.length), ...headers }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function json(value: unknown, headers: Record<string, string> = {}): Reply {
  const body = Buffer.from(JSON.stringify(value));
  return { status: 200, headers: { 'content-type': 'application/json', ...headers }, body };
}

export function jsonLines(lines: readonly unknown[]): Reply {
  const body = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
}

export function missing(error: unknown): Reply {
  return { ...json({ error }), status: 404 };
}
