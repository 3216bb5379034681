import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { closeServer, type LoopbackServer, listenOnLoopback } from '../../local/loopback-server.ts';

/** Source: API Gateway developer guide, "Quotas for configuring and running an HTTP API", read 2026-11. */
const maxBodyBytes = 10 * 1024 * 1024;
const integrationMs = 30_000;

type Invoke = (event: APIGatewayProxyEventV2) => Promise<unknown>;

/**
 * An HTTP API of API Gateway that hands every request to one function, in payload format 2.0 and within its limits. What it answers
 * by itself is bare, as there: `{"message": ...}`.
 *
 * Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", read 2026-11.
 */
export async function startGateway(invoke: Invoke): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    serve(invoke, request, response).catch(() => response.destroy());
  });
  return { url: await listenOnLoopback(server, 0), close: () => closeServer(server) };
}

async function serve(invoke: Invoke, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  if (body === null) return sendBare(response, 413, 'Request Entity Too Large');
  const over = new AbortController();
  const calling = invoke(eventOf(request, body)).then(
    (result) => ({ result }),
    (error: Error) => ({ error }),
  );
  const answer = await Promise.race([calling, sleep(integrationMs, null, { signal: over.signal, ref: false })]);
  over.abort();
  if (answer === null) return sendBare(response, 503, 'Service Unavailable');
  if ('error' in answer && answer.error.name === 'RequestTooLargeException')
    return sendBare(response, 413, 'Request Entity Too Large');
  if ('error' in answer) return sendBare(response, 500, 'Internal Server Error');
  send(response, answer.result as APIGatewayProxyStructuredResultV2);
}

/** @returns null where it is larger than the gateway takes. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes > maxBodyBytes ? null : Buffer.concat(chunks);
}

function eventOf(request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 {
  const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const { cookie, 'transfer-encoding': _notPassedOn, ...headers } = request.headersDistinct;
  const host = request.headers.host ?? '';
  const isText = /^(text\/|application\/(json|javascript|xml)\b)/.test(request.headers['content-type'] ?? '');
  const now = new Date();
  const query = Map.groupBy(searchParams, ([name]) => name);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: decodeURI(pathname),
    rawQueryString: search.slice(1),
    ...(cookie && { cookies: cookie.flatMap((line) => line.split('; ')) }),
    headers: {
      ...joined(Object.entries(headers)),
      'content-length': String(body.length),
      'x-amzn-trace-id': `Root=1-${hex(8)}-${hex(24)}`,
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    ...(query.size > 0 && {
      queryStringParameters: joined([...query].map(([name, pairs]) => [name, pairs.map(([, value]) => value)])),
    }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'gateway',
      domainName: host,
      domainPrefix: 'gateway',
      http: {
        method: request.method ?? 'GET',
        path: decodeURI(pathname),
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.1',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: hex(16),
      routeKey: '$default',
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function hex(digits: number): string {
  return randomUUID().replaceAll('-', '').slice(0, digits);
}

/** What came several times becomes one value, with commas. */
function joined(entries: [string, string[] | undefined][]): Record<string, string> {
  return Object.fromEntries(entries.map(([name, values = []]) => [name, values.join(',')]));
}

function send(response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  const { statusCode = 200, headers = {}, cookies = [], body = '', isBase64Encoded = false } = result;
  response.statusCode = statusCode;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  response.end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
}

function sendBare(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}
