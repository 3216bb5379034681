import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import { logLinesOf } from '../../lib/store/function-logs.ts';

interface Call {
  logGroupName: string;
  filterPattern: string;
  startTime: number;
  nextToken?: string;
}

let server: Server;
const calls: Call[] = [];

/** CloudWatch Logs, in which only submit has logged, on two pages. */
beforeEach(async () => {
  calls.length = 0;
  server = createServer(async (request, response) => {
    const call = (await json(request)) as Call;
    calls.push(call);
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if (!call.logGroupName.endsWith('-submit')) {
      response.statusCode = 400;
      response.end('{"__type": "ResourceNotFoundException", "message": "The specified log group does not exist."}');
      return;
    }
    const isFirst = call.nextToken === undefined;
    response.end(
      JSON.stringify({ events: [{ message: isFirst ? 'one' : 'two' }], ...(isFirst && { nextToken: '2' }) }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'somebody');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'somebody');
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
});

it("a batch's lines are asked of every function's log, by its id, page by page; one that never ran has none", async () => {
  expect(await logLinesOf('Staging', 'batch_1', 1_000)).toEqual(['one', 'two']);
  const asked = new Set(calls.map(({ logGroupName }) => logGroupName));
  expect([...asked].toSorted()).toEqual(
    Object.keys(functionTimeoutSeconds)
      .map((name) => `/aws/lambda/Staging-${name}`)
      .toSorted(),
  );
  for (const { filterPattern, startTime } of calls)
    expect({ filterPattern, startTime }).toEqual({ filterPattern: '{ $.batchId = "batch_1" }', startTime: 1_000 });
});
