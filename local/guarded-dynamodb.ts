import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { AwsError, assertAllowed } from './aws-json-server.ts';
import { callerOf, type Permissions } from './permissions.ts';

/** Lets a server of DynamoDB see only the calls whose callers have the right to them; the others get its refusal. */
export function askFirst(server: Server, permissions: Permissions): void {
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, permissions, (replayed) => {
      for (const listener of listeners) listener.call(server, replayed, response);
    }).catch(() => response.destroy());
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  permissions: Permissions,
  passOn: (replayed: Readable) => void,
): Promise<void> {
  const body = await buffer(request);
  const target = String(request.headers['x-amz-target'] ?? '');
  try {
    assertAllowed(permissions, callerOf(request.headers.authorization), target, JSON.parse(body.toString('utf8')));
  } catch (error) {
    const isRefusal = error instanceof AwsError;
    const reason = isRefusal
      ? { __type: error.name, message: error.message }
      : { __type: 'InternalFailure', message: String(error) };
    response.writeHead(isRefusal ? 400 : 500, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(reason));
    return;
  }
  const { headers, method, url } = request;
  passOn(Object.assign(Readable.from([body], { objectMode: false }), { headers, method, url }));
}
