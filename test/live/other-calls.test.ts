import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { batchCallsFor, passingThrough } from '../../cli/serve/other-calls.ts';
import { batching, closeBatching } from '../../lib/live/index.ts';
import { Journal } from '../../lib/live/journal.ts';
import { LiveRun } from '../../lib/live/live-run.ts';
import { type ServeOptions, serveLive } from '../../lib/live/server.ts';
import { LiveTarget } from '../../lib/live/target.ts';
import { type ApiHarness, jsonlFile, startApi } from '../api/api-harness.ts';
import { drive } from '../pipeline/drive.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { quick, temporaryFolder } from './live-harness.ts';

/** A client of a server in front of a target. */
async function clientOf(target: LiveTarget, options: Partial<ServeOptions> = {}): Promise<OpenAI> {
  const journal = Journal.open(temporaryFolder(), { pid: process.pid, url: null }, Date.now());
  const run = new LiveRun({ name: 'test', journal, ...quick });
  run.attach(target);
  const server = await serveLive({ run, target, port: 0, ...options });
  onTestFinished(async () => {
    await server.close();
    await run.close();
  });
  return new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'sk-caller', maxRetries: 0 });
}

interface Asked {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A provider that answers everything at once, and remembers what it was asked. */
async function startLiveProvider(): Promise<{ target: LiveTarget; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const { method, url, headers } = request;
    if (url === '/healthz') return void response.writeHead(404).end();
    asked.push({ method, url, headers, body: Buffer.concat(pieces).toString() });
    response.writeHead(url?.includes('teapot') ? 418 : 200, {
      'content-type': 'application/json',
      'x-request-id': 'req_1',
    });
    response.end(JSON.stringify({ object: 'live', id: 'x' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const apiBase = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { target: new LiveTarget({ provider: 'openai', apiKey: 'sk-pays', apiBase }), asked };
}

describe('a call that no batch can hold', () => {
  const body = { model: 'gpt-4o-mini', input: 'x', previous_response_id: 'resp_1', max_output_tokens: 1_000 };

  it('is refused with what it would cost, and made live where that is allowed', async () => {
    const { target, asked } = await startLiveProvider();
    const refusal = (await clientOf(target)).responses.create(body);
    await expect(refusal).rejects.toThrow(BadRequestError);
    await expect(refusal).rejects.toThrow(
      /--allow-live makes it a live call at full price, which is at most \$0\.0006/,
    );
    expect(asked).toEqual([]);

    const client = await clientOf(target, { allowsLive: true });
    const { response, data } = await client.responses.create(body).withResponse();
    expect(data).toMatchObject({ object: 'live' });
    expect(response.headers.get('x-batchdrop-live')).toBe('full price');
    expect(asked).toMatchObject([{ method: 'POST', url: '/v1/responses' }]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual(body);
    expect(asked[0]?.headers.authorization).toBe('Bearer sk-pays');
  });
});

describe('a path that is none of a batch', () => {
  it('is passed through with the key that pays, where that is allowed, and its answer comes back', async () => {
    const { target, asked } = await startLiveProvider();
    const image = { model: 'gpt-image-1', prompt: 'a boat' };
    await expect((await clientOf(target)).images.generate(image)).rejects.toThrow(NotFoundError);
    expect(asked).toEqual([]);

    const client = await clientOf(target, { others: passingThrough(target) });
    const { response } = await client.images.generate(image).withResponse();
    await expect(client.get('/teapot?of=tea')).rejects.toMatchObject({ status: 418 });
    expect(response.headers.get('x-request-id')).toBe('req_1');
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /v1/images/generations',
      'GET /v1/teapot?of=tea',
    ]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual(image);
    expect(JSON.stringify(asked)).not.toContain('sk-caller');
  });
});

describe('in front of a deployment', () => {
  let api: ApiHarness;
  let target: LiveTarget;

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    api = await startApi();
    // As behind a gateway, which takes no more than a part of an upload.
    const { baseURL } = await api.served({ maxFileBytes: 4.1 * 1024 * 1024, maxContentBytes: 1024 * 1024 });
    target = new LiveTarget({ deployment: baseURL, apiKey: api.key });
  });

  afterAll(async () => {
    await api.close();
    vi.useRealTimers();
  });

  it('stock batch code runs, with files of any size', async () => {
    const client = await clientOf(target, { others: batchCallsFor(target) });
    const lines = [...numbered(2, chatLine), chatLine('long', 'x'.repeat(4_500_000))];
    const expires_after = { anchor: 'created_at', seconds: 86_400 } as const;
    const file = await client.files.create({ file: jsonlFile(lines, 'big.jsonl'), purpose: 'batch', expires_after });
    expect(file).toMatchObject({
      object: 'file',
      filename: 'big.jsonl',
      bytes: fileOf(lines).length,
      purpose: 'batch',
    });
    expect(file.expires_at).toBe(file.created_at + 86_400);
    expect(await (await client.files.content(file.id)).text()).toBe(fileOf(lines));
    const creation = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
    const { id } = await client.batches.create(creation);
    await drive(api.harness, id);
    const batch = await client.batches.retrieve(id);
    expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 3, completed: 3 } });
    const small = await client.files.create({ file: jsonlFile([chatLine('s')]), purpose: 'batch' });
    expect((await Array.fromAsync(client.files.list())).map(({ id }) => id)).toContain(small.id);
    expect(await client.files.delete(small.id)).toMatchObject({ deleted: true });
    await expect(client.files.create({ file: jsonlFile(lines), purpose: 'vision' })).rejects.toThrow(BadRequestError);
  });

  it('an upload takes parts that are larger than the gateway', async () => {
    const client = await clientOf(target, { others: batchCallsFor(target) });
    const text = fileOf([chatLine('u', 'y'.repeat(5_500_000))]);
    const [first, second] = [text.slice(0, 5_000_000), text.slice(5_000_000)];
    const announced = {
      filename: 'up.jsonl',
      purpose: 'batch',
      bytes: text.length,
      mime_type: 'application/jsonl',
    } as const;
    const upload = await client.uploads.create(announced);
    const parts = [];
    for (const part of [second, first])
      parts.push(await client.uploads.parts.create(upload.id, { data: new File([part], 'part') }));
    const { file } = await client.uploads.complete(upload.id, { part_ids: parts.map(({ id }) => id).toReversed() });
    expect(await (await client.files.content(file?.id ?? '')).text()).toBe(text);
  });

  it("Anthropic's client creates batches that are larger than the gateway", async () => {
    const { baseURL } = await clientOf(target, { others: batchCallsFor(target) });
    const claude = new Anthropic({ baseURL: baseURL.replace('/v1', ''), apiKey: 'sk-caller', maxRetries: 0 });
    const request = (custom_id: string, model: string, text: string) => ({
      custom_id,
      params: { model, max_tokens: 9, messages: [{ role: 'user' as const, content: text }] },
    });
    const requests = [
      request('a', 'claude-sonnet-4-5', 'x'.repeat(5_000_000)),
      request('b', 'no-such-model', 'x'),
      request('c', 'gpt-5-mini', 'x'),
    ];
    const headers = { 'x-batchdrop-options': '{"deadline_hours": 2}', 'idempotency-key': 'once' };
    const created = await claude.beta.messages.batches.create({ requests }, { headers });
    expect(created).toMatchObject({ type: 'message_batch', processing_status: 'in_progress' });
    expect(Date.parse(created.expires_at) - Date.parse(created.created_at)).toBeLessThan(7_201_000);
    expect((await claude.messages.batches.create({ requests }, { headers })).id).toBe(created.id);
    await drive(api.harness, created.id.replace('msgbatch_', 'batch_'));
    const own = `${baseURL}/messages/batches/${created.id}/results`;
    expect((await claude.messages.batches.retrieve(created.id)).results_url).toBe(own);
    const listed = await Array.fromAsync(claude.messages.batches.list());
    expect(listed.find(({ id }) => id === created.id)?.results_url).toBe(own);
    const results = await Array.fromAsync(await claude.messages.batches.results(created.id));
    expect(results.map(({ custom_id, result }) => [custom_id, result.type])).toEqual([
      ['a', 'succeeded'],
      ['b', 'errored'],
      ['c', 'succeeded'],
    ]);
    const large = claude.messages.batches.create({ requests: [], filler: 'x'.repeat(5_000_000) } as never);
    await expect(large).rejects.toThrow(Anthropic.BadRequestError);
    await expect(large).rejects.toMatchObject({ error: { type: 'error', error: { type: 'invalid_request_error' } } });
    const named = claude.messages.batches.create({ requests }, { headers: { 'anthropic-beta': 'context-1m' } });
    await expect(named).rejects.toThrow(/context-1m/);
  });

  it('a form that is none is refused, and every other path as ever', async () => {
    const client = await clientOf(target, { others: batchCallsFor(target) });
    const post = (path: string, type: string) =>
      fetch(`${client.baseURL}${path}`, { method: 'POST', headers: { 'content-type': type }, body: '--x\r\nbroken' });
    expect((await post('/files', 'text/plain')).status).toBe(400);
    expect((await post('/files', 'multipart/form-data; boundary=x')).status).toBe(400);
    expect((await post('/images/generations', 'application/json')).status).toBe(404);
  });

  it('a cap is held by the deployment, for one batch after the other', async () => {
    onTestFinished(closeBatching);
    const options = {
      deployment: api.url,
      apiKey: api.key,
      ...quick,
      run: 'capped',
      journal: temporaryFolder(),
      maxCostUsd: 1,
    };
    const client = new OpenAI(batching({ ...options, maxBatchRequests: 1 }));
    const asked = ['one', 'two'].map((content) =>
      client.chat.completions.create({
        model: 'gpt-5-mini',
        max_completion_tokens: 20,
        messages: [{ role: 'user', content }],
      }),
    );
    const ofRun = async () =>
      (await Array.fromAsync(api.client.batches.list({ limit: 20 }))).filter(
        ({ metadata }) => metadata?.live_run === 'capped',
      );
    const caps: unknown[] = [];
    for (const count of [1, 2]) {
      await vi.waitUntil(async () => (await ofRun()).length === count, { timeout: 60_000, interval: 50 });
      const { id } = (await ofRun())[0] as OpenAI.Batch;
      caps.push((await api.harness.batch(id)).options.max_cost_usd);
      await drive(api.harness, id);
      await asked[count - 1];
    }
    expect((await Promise.all(asked)).every(({ choices }) => choices.length === 1)).toBe(true);
    expect(caps[0]).toBe(1);
    expect(caps[1]).toBeLessThan(1);
    expect(caps[1]).toBeGreaterThan(0.99);
  });

  it('a final failure is answered when its shard is collected, and what may pass is waited for', async () => {
    onTestFinished(closeBatching);
    const options = { deployment: api.url, apiKey: api.key, ...quick, run: 'parts', journal: temporaryFolder() };
    const client = new OpenAI(batching(options));
    const { anthropic } = api.harness.simulators;
    anthropic.setFaults([{ kind: 'stuck' }]);
    const asked = (model: string, content: string) =>
      client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
    const good = asked('gpt-5-mini', 'good');
    const wrong = asked('gpt-5-mini', '[[refuse]]').catch((error: unknown) => error);
    const stuck = asked('claude-sonnet-4-5', 'stuck').catch((error: unknown) => error);
    const latest = async () => (await api.client.batches.list({ limit: 1 })).data[0];
    await vi.waitUntil(async () => (await latest())?.metadata?.live_run === 'parts', { timeout: 60_000, interval: 50 });
    const id = (await latest())?.id ?? '';
    let answeredWhile = '';
    await drive(api.harness, id, {
      onTurn: async () => {
        const batch = await api.harness.batch(id);
        const shards = await api.harness.services.records.listShards(id, batch.rounds[0]?.token ?? '');
        if (answeredWhile || !shards.some(({ status }) => status === 'collected')) return;
        expect(await wrong).toBeInstanceOf(BadRequestError);
        expect((await good).choices).toHaveLength(1);
        answeredWhile = (await api.harness.batch(id)).status;
        await api.client.batches.cancel(id);
      },
    });
    anthropic.setFaults([]);

    expect(answeredWhile).toBe('in_progress');
    expect(await stuck).toMatchObject({ status: 499, code: 'batch_cancelled' });
  });
});
