import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from './gateway.ts';
import { Lambda } from './lambda.ts';

// What stands for Lambda and API Gateway in deployed.test.ts keeps to their limits: a stack that runs within them here shows something.

const code = `
export const handler = async (event, context) => {
  const wish = event.body ?? event.wish;
  if (wish === 'throw') throw Object.assign(new Error('no luck'), { name: 'OwnError' });
  if (wish === 'exit') process.exit(3);
  if (wish === 'hang') await new Promise(() => setInterval(() => undefined, 1_000));
  if (wish === 'long') return 'x'.repeat(6_300_000);
  if (wish === 'who') return { pid: process.pid, variables: Object.keys(process.env), remainingMs: context.getRemainingTimeInMillis() };
  return { statusCode: 201, headers: { 'x-one': 'a' }, cookies: ['b=1', 'c=2'], body: Buffer.from(JSON.stringify(event)).toString('base64'), isBase64Encoded: true };
};`;

const folder = mkdtempSync(join(tmpdir(), 'batchdrop-lambda-'));
let lambda: Lambda;
let gateway: Awaited<ReturnType<typeof startGateway>>;

beforeAll(async () => {
  writeFileSync(join(folder, 'index.mjs'), code);
  const environment = { _HANDLER: 'index.handler', LAMBDA_TASK_ROOT: folder };
  lambda = new Lambda([{ name: 'one', folder, environment, timeoutSeconds: 30 }]);
  gateway = await startGateway((event) => lambda.invoke('one', event));
});

afterAll(async () => {
  await gateway.close();
  await lambda.close();
  rmSync(folder, { recursive: true });
});

describe('a function', () => {
  it('has nothing of this process’s environment, and runs again in the process that is idle', async () => {
    const who = () =>
      lambda.invoke('one', { wish: 'who' }) as Promise<{ pid: number; variables: string[]; remainingMs: number }>;
    const [first, second] = [await who(), await who()];
    expect(second.pid).toBe(first.pid);
    expect(first.pid).not.toBe(process.pid);
    expect(first.variables.toSorted()).toEqual(
      ['AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', 'PATH', '_HANDLER', '_X_AMZN_TRACE_ID'].toSorted(),
    );
    expect(first.remainingMs).toBeLessThanOrEqual(30_000);
  });

  it.each([
    ['throw', { name: 'OwnError', message: 'no luck' }],
    ['exit', { name: 'Runtime.ExitError', message: expect.stringContaining('exit status 3') }],
    ['long', { name: 'Function.ResponseSizeTooLarge' }],
  ])('that does %s fails as Lambda says it, and the next call works', async (wish, error) => {
    await expect(lambda.invoke('one', { wish })).rejects.toMatchObject(error);
    expect(await lambda.invoke('one', {})).toMatchObject({ statusCode: 201 });
  });

  it('is killed when its time is over', async () => {
    lambda.cutTime('one', 300);
    await expect(lambda.invoke('one', { wish: 'hang' })).rejects.toMatchObject({ name: 'Sandbox.Timedout' });
    expect(await lambda.invoke('one', {})).toMatchObject({ statusCode: 201 });
  });

  it('takes no event above 6 MB', async () => {
    const large = lambda.invoke('one', { text: 'x'.repeat(6 * 1024 * 1024) });
    await expect(large).rejects.toMatchObject({ name: 'RequestTooLargeException' });
  });
});

describe('the gateway', () => {
  const post = (body: string | Uint8Array<ArrayBuffer>, type: string) =>
    fetch(`${gateway.url}/a%20b?x=1&x=2`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': type, Cookie: 'd=3; e=4' },
    });

  it('hands over a request in format 2.0, and what comes back', async () => {
    const answer = await post('{}', 'application/json');
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-one')).toBe('a');
    expect(answer.headers.getSetCookie()).toEqual(['b=1', 'c=2']);
    expect(await answer.json()).toMatchObject({
      version: '2.0',
      rawPath: '/a b',
      rawQueryString: 'x=1&x=2',
      queryStringParameters: { x: '1,2' },
      cookies: ['d=3', 'e=4'],
      headers: { 'content-type': 'application/json', 'content-length': '2', 'x-forwarded-proto': 'https' },
      requestContext: { http: { method: 'POST', path: '/a b' } },
      body: '{}',
      isBase64Encoded: false,
    });
  });

  it('hands over in base64 what is no text', async () => {
    const answer = await post(Uint8Array.of(0, 255), 'application/octet-stream');
    expect(await answer.json()).toMatchObject({ body: 'AP8=', isBase64Encoded: true });
  });

  it.each([
    ['above 10 MB', () => post(new Uint8Array(10 * 1024 * 1024 + 1), 'text/plain'), 413, 'Request Entity Too Large'],
    ['whose event is above 6 MB', () => post(new Uint8Array(5_000_000), 'image/png'), 413, 'Request Entity Too Large'],
    ['at which the function fails', () => post('throw', 'text/plain'), 500, 'Internal Server Error'],
    ['whose answer is above 6 MB', () => post('long', 'text/plain'), 500, 'Internal Server Error'],
  ])('says so barely of a request %s', async (_which, send, status, message) => {
    const answer = await send();
    expect([answer.status, await answer.json()]).toEqual([status, { message }]);
  });
});
