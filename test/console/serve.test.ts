import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildConsole } from '../../console/build/build-console.ts';
import { SignInTokens, signInSeconds } from '../../lib/api/console/sign-in-tokens.ts';
import { type ApiHarness, startApi } from '../api/api-harness.ts';

let api: ApiHarness;
let url: string;
let nowMs = Date.UTC(2026, 10, 21);
const tokens = new SignInTokens(() => nowMs);

beforeAll(async () => {
  api = await startApi();
  const { baseURL } = await api.served({ consoleFiles: async () => buildConsole(), signInTokens: tokens });
  url = baseURL.replace(/\/v1$/, '');
});

afterAll(() => api.close());

const asBrowser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** As a browser gets it: fetch would take the encoding off. */
function rawBytes(
  path: string,
  headers: Record<string, string>,
): Promise<{ headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(url + path, { headers }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ headers: answer.headers, body: Buffer.concat(chunks) });
    })
      .on('error', reject)
      .end();
  });
}

describe('the console over HTTP', () => {
  it('is a page at / for browsers, under a policy that lets it load and run its own files alone', async () => {
    const page = await fetch(`${url}/`, { headers: asBrowser });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).toContain(rule);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('cache-control')).toBe('no-cache');
  });

  it('stays an unknown path for programs', async () => {
    const answer = await fetch(`${url}/`, { headers: { accept: 'application/json' } });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'unknown_url' } });
    expect((await fetch(`${url}/console/index.html`)).status).toBe(404);
    expect((await fetch(`${url}/console/..%2fpackage.json`)).status).toBe(404);
  });

  it('sends what the page loads for good, in the encoding that is asked for', async () => {
    const plain = await (await fetch(`${url}/`, { headers: asBrowser })).text();
    const [, script = ''] = /src="([^"]+)"/.exec(plain) ?? [];
    const brotli = await rawBytes(script, { 'accept-encoding': 'gzip, deflate, br' });
    expect(brotli.headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept, accept-encoding',
    });
    const gzip = await rawBytes(script, { 'accept-encoding': 'gzip' });
    const none = await rawBytes(script, {});
    expect(none.headers['content-encoding']).toBeUndefined();
    expect(none.body.length).toBeGreaterThan(10_000);
    expect(brotliDecompressSync(brotli.body)).toEqual(none.body);
    expect(gunzipSync(gzip.body)).toEqual(none.body);
  });
});

async function trade(token: string, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${url}/console/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url, ...headers },
    body: JSON.stringify({ token }),
  });
}

async function newToken(): Promise<string> {
  const answer = await fetch(`${url}/v1/console/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${api.key}` },
  });
  return ((await answer.json()) as { token: string }).token;
}

describe('a link that signs in', () => {
  it('is given to whoever has a key, and stands for that key, once', async () => {
    expect((await fetch(`${url}/v1/console/tokens`, { method: 'POST' })).status).toBe(401);
    const token = await newToken();
    const answer = await trade(token);
    expect(await answer.json()).toEqual({ object: 'console.session', api_key: api.key });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const again = await trade(token);
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({
      error: { code: 'invalid_token', message: expect.stringContaining('batchdrop console') },
    });
  });

  it('holds ten minutes', async () => {
    const early = await newToken();
    const late = await newToken();
    nowMs += signInSeconds * 1_000 - 1;
    expect((await trade(early)).status).toBe(200);
    nowMs += 1;
    expect((await trade(late)).status).toBe(401);
  });

  it('is traded by its own page alone, under a name of this machine', async () => {
    const token = await newToken();
    expect((await trade(token, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await trade(token, { origin: url.replace('127.0.0.1', 'localhost') })).status).toBe(403);
    const rebound = await rawStatus('evil.example', 'http://evil.example', token);
    expect(rebound).toBe(403);
    expect((await trade(token)).status).toBe(200);
  });
});

/** A request under another name, as after a change of a name's address. */
function rawStatus(host: string, origin: string, token: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host, origin, 'content-type': 'application/json' };
    const sent = request(`${url}/console/session`, { method: 'POST', headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ token }));
  });
}
