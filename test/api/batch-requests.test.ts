import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import type { BatchRequest } from '../../lib/records/batch-request.ts';
import { resultKey } from '../../lib/records/object-keys.ts';
import type { ShardView } from '../../lib/records/shard-view.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { drive, functionContext, pass } from '../pipeline/drive.ts';
import { chatLine, claudeLine, fileOf, nativeLine, numbered } from '../pipeline/requests.ts';
import { sweep } from '../pipeline/steps.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;
let deployment: Deployment;
let stranger: Deployment;
let operator: Deployment;
/** A batch that has ended, with requests of every kind. */
let batchId: string;

const exact = '{"type":"number","maximum":0.50}';
const tool = `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":${exact}}}}}]`;
const long = 'né'.repeat(50_000);
const lines = [
  chatLine('a', 'How is the "Apple" of the eye?'),
  claudeLine('b'),
  chatLine('c', '[[refuse]] what we asked'),
  '{"custom_id": "d"}',
  nativeLine('e'),
  chatLine('f', '[[server-error]]'),
  chatLine('g', long).replace('"model"', `${tool},"model"`),
];

async function dropAndDrive(name: string, text: string, options: Record<string, string> = {}): Promise<string> {
  const id = (await api.harness.drop(name, text, options)) ?? '';
  await drive(api.harness, id);
  return id;
}

function runMixed(name: string): Promise<string> {
  return dropAndDrive(name, fileOf(lines), { 'on-invalid-line': 'error_line', 'max-attempts': '2' });
}

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  const connect = (apiKey: string) => new Deployment({ url: api.url, apiKey, maxRetries: 0 });
  deployment = connect(api.key);
  stranger = connect((await createApiKey(api.harness.services, 'other', 'test')).key);
  operator = connect((await createApiKey(api.harness.services, 'other', 'test', 'operator')).key);
  batchId = await runMixed('mixed.jsonl');
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

async function requestsOf(id: string, query: Parameters<Deployment['listRequests']>[1] = {}): Promise<BatchRequest[]> {
  return (await deployment.listRequests(id, query)).data;
}

const idsIn = (requests: readonly BatchRequest[]) => requests.map(({ custom_id }) => custom_id);

describe('the requests of a batch that has ended', () => {
  it('stand in the order of the input, each beside what became of it', async () => {
    const { data, batchdrop } = await deployment.listRequests(batchId);
    expect(batchdrop).toEqual({
      total: 7,
      looked: 7,
      looked_to: 7,
      next: null,
      requests_gone: null,
      answers_gone: null,
    });
    expect(data.map(({ line, custom_id, status, code }) => [line, custom_id, status, code])).toEqual([
      [1, 'a', 'completed', null],
      [2, 'b', 'completed', null],
      [3, 'c', 'failed', expect.any(String)],
      [4, 'd', 'failed', expect.any(String)],
      [5, 'e', 'completed', null],
      [6, 'f', 'failed', expect.any(String)],
      [7, 'g', 'completed', null],
    ]);
    expect(data.map(({ request }) => request && JSON.stringify(request)).slice(0, 6)).toEqual(
      lines.slice(0, 6).map((line) => JSON.stringify(JSON.parse(line))),
    );
    expect(data[1]?.response).toMatchObject({ status_code: 200, body: { choices: [expect.anything()] } });
    expect(data[4]).toMatchObject({ format: 'anthropic', response: { type: 'succeeded', message: {} }, error: null });
    expect(data[2]).toMatchObject({ is_retryable: false, response: { status_code: 400 } });
    expect(data[3]).toMatchObject({ response: null, error: { message: expect.stringContaining('Line 4') } });
    expect(data[5]).toMatchObject({ is_retryable: true, response: { status_code: 500 } });
  });

  it('are the same page by page, and each of them alone', async () => {
    const all = await requestsOf(batchId);
    const paged: BatchRequest[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page = await deployment.listRequests(batchId, { limit: 2, ...(after > 0 && { after }) });
      paged.push(...page.data);
      after = page.batchdrop.next;
    }
    expect(paged).toEqual(all);
    const alone = await Promise.all(all.slice(0, 6).map(({ line }) => deployment.retrieveRequest(batchId, line)));
    expect(alone).toEqual(all.slice(0, 6));
  });

  it('are found by status, code and text', async () => {
    expect(idsIn(await requestsOf(batchId, { status: 'failed' }))).toEqual(['c', 'd', 'f']);
    expect(idsIn(await requestsOf(batchId, { status: 'completed', after: 1, limit: 2 }))).toEqual(['b', 'e']);
    expect(await requestsOf(batchId, { status: 'in_progress' })).toEqual([]);
    const [refused] = await requestsOf(batchId, { after: 2, limit: 1 });
    expect(idsIn(await requestsOf(batchId, { code: refused?.code ?? '' }))).toEqual(['c']);
    expect(await requestsOf(batchId, { code: 'no_such_code' })).toEqual([]);
    expect(idsIn(await requestsOf(batchId, { q: 'the "apple" OF' }))).toEqual(['a']);
    expect(idsIn(await requestsOf(batchId, { q: 'server-error', status: 'failed' }))).toEqual(['f']);
    const page = await deployment.listRequests(batchId, { q: 'nowhere' });
    expect(page).toMatchObject({ data: [], batchdrop: { looked: 7, next: null } });
  });

  it('are cut where they are long, and whole when asked for alone', async () => {
    const [cut] = await requestsOf(batchId, { after: 6 });
    expect(cut).toMatchObject({ custom_id: 'g', truncated: true });
    expect(JSON.stringify(cut?.request).length).toBeLessThan(64 * 1024);
    expect(JSON.stringify(cut?.request)).toContain('né…');
    const answer = await api.raw(`/v1/batches/${batchId}/requests/7`);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({ truncated: false, request_bytes: Buffer.byteLength(lines[6] ?? '') });
    expect(text).toContain(exact);
    expect(text).toContain(long);
  });

  it('are behind links where they are longer than an answer', async () => {
    const { baseURL: url } = await api.served({ maxContentBytes: 10_000 });
    const small = new Deployment({ url, apiKey: api.key, maxRetries: 0 });
    const request = await small.retrieveRequest(batchId, 7);
    expect(request).toMatchObject({ custom_id: 'g', truncated: true, request: null, response: null });
    const { url: link = '', range = '' } = request.links?.request ?? {};
    expect(await (await fetch(link, { headers: { range } })).text()).toBe(lines[6]);
    const { url: other = '', range: part = '' } = request.links?.response ?? {};
    expect(JSON.parse(await (await fetch(other, { headers: { range: part } })).text())).toMatchObject({
      custom_id: 'g',
    });
  });

  it('go with their files, and the page says so', async () => {
    const id = await runMixed('deleted.jsonl');
    const batch = await api.client.batches.retrieve(id);
    await api.client.files.delete(batch.input_file_id);
    const withoutInput = await deployment.listRequests(id);
    expect(withoutInput.batchdrop.requests_gone).toEqual({
      since: null,
      reason: expect.stringContaining('input file'),
    });
    expect(withoutInput.data.map(({ request }) => request)).toEqual(Array(7).fill(null));
    expect(idsIn(withoutInput.data)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await api.client.files.delete(batch.output_file_id ?? '');
    const withoutOutput = await deployment.listRequests(id);
    expect(withoutOutput.batchdrop.answers_gone?.reason).toContain('output file');
    expect(withoutOutput.data.map(({ status, response }) => [status, response !== null])).toEqual(
      ['completed', 'completed', 'failed', 'failed', 'completed', 'failed', 'completed'].map((status, place) => [
        status,
        place === 2 || place === 5,
      ]),
    );
    await api.client.files.delete(batch.error_file_id ?? '');
    const { data } = await deployment.listRequests(id);
    expect(
      data.every(({ response, error, custom_id }) => response === null && error === null && custom_id === null),
    ).toBe(true);
  });

  it('are the same by their shards, and keep their answers when the work is gone, and the page says since when', async () => {
    const id = await runMixed('kept.jsonl');
    const before = await requestsOf(id);
    expect(before).toHaveLength(7);
    const { objects } = api.harness.services;
    const indexKey = resultKey(id, 'index');
    const index = await objects.readBytes(indexKey);
    // Releases before this one left no index.
    await objects.delete([indexKey]);
    expect(await requestsOf(id)).toEqual(before);
    await api.harness.put(indexKey, index);
    const ended = (await api.harness.batch(id)).completedAt ?? 0;
    pass(8 * 24 * 3_600);
    await sweep(api.harness.services, {}, functionContext());
    const { data, batchdrop } = await deployment.listRequests(id);
    expect(data.map(answerOf)).toEqual(before.map(answerOf));
    expect(data.map(({ request }) => request)).toEqual(Array(7).fill(null));
    expect(batchdrop.requests_gone).toEqual({
      since: ended + 7 * 24 * 3_600,
      reason: expect.stringContaining('7 days'),
    });
    await objects.delete([indexKey]);
    const refusal = deployment.listRequests(id);
    await expect(refusal).rejects.toMatchObject({ status: 409 });
    await expect(refusal).rejects.toThrow('ended under an earlier release');
  });
});

function answerOf({ status, code, response, error, custom_id }: BatchRequest) {
  return { status, code, response, error, custom_id };
}

it('while a batch runs, what is collected stands beside what is under way', async () => {
  api.harness.simulators.anthropic.setFaults([{ kind: 'stuck' }]);
  const id =
    (await api.harness.drop('runs.jsonl', fileOf([chatLine('a'), claudeLine('b'), chatLine('c', '[[refuse]]')]))) ?? '';
  expect(await deployment.listRequests(id)).toMatchObject({ data: [], batchdrop: { total: 0, next: null } });
  let seen = false;
  await drive(api.harness, id, {
    onTurn: async () => {
      const { data } = await deployment.listShards(id);
      if (seen || data[0]?.status !== 'collected') return;
      seen = true;
      const requests = await requestsOf(id);
      expect(requests.map(({ custom_id, status }) => [custom_id, status])).toEqual([
        ['a', 'completed'],
        ['b', 'in_progress'],
        ['c', 'failed'],
      ]);
      expect(requests[1]).toMatchObject({ request: JSON.parse(claudeLine('b')), response: null, error: null });
      expect(idsIn(await requestsOf(id, { status: 'in_progress' }))).toEqual(['b']);
      const errors = await deployment.batchErrors(id);
      expect(errors).toMatchObject({ data: [{ count: 1, custom_id: 'c', line: 3, is_retryable: false }], looked: 1 });
      const batch = await deployment.retrieveBatch(id);
      expect(batch.batchdrop).toMatchObject({
        is_simulated: false,
        breakdown: [
          { provider: 'openai', requests: 2, completed: 1, failed: 1, usage: { total_tokens: expect.any(Number) } },
          { provider: 'anthropic', requests: 1, completed: 0, failed: 0, cost: { usd: 0 } },
        ],
      });
      await deployment.cancelBatch(id);
    },
  });
  api.harness.simulators.anthropic.setFaults([]);
  expect(seen).toBe(true);
  const errors = await deployment.batchErrors(id);
  expect(errors.data.map(({ code, count }) => [code, count])).toContainEqual(['batch_cancelled', 1]);
});

it('errors are summed up by code, most frequent first, with what to do', async () => {
  const refused = numbered(3, (id) => chatLine(id, '[[refuse]]'));
  const id = await dropAndDrive('errors.jsonl', fileOf([...refused, chatLine('x', '[[rate-limit]]'), chatLine('y')]), {
    'max-attempts': '1',
  });
  const { data, looked, is_partial, gone } = await deployment.batchErrors(id);
  expect({ looked, is_partial, gone }).toEqual({ looked: 4, is_partial: false, gone: null });
  expect(data).toMatchObject([
    {
      count: 3,
      is_retryable: false,
      custom_id: 'request-0',
      line: 1,
      next_step: expect.stringMatching(/^Change these/),
    },
    { count: 1, is_retryable: true, custom_id: 'x', line: 4, next_step: expect.stringMatching(/^Send them again/) },
  ]);
  expect(data[0]?.message).toBeTruthy();
});

it('a shard says what it waits for and since when, and when it was sent and collected', async () => {
  const { data, batchdrop } = await deployment.listShards(batchId);
  expect(batchdrop.total).toBe(data.length);
  expect(data.find(({ provider, round }) => provider === 'openai' && round === 0)).toMatchObject({
    status: 'collected',
    is_live: false,
    is_simulated: false,
    attempts: 1,
    waiting: null,
    created_at: expect.any(Number),
    submitted_at: expect.any(Number),
    collected_at: expect.any(Number),
    usage: { total_tokens: expect.any(Number) },
    end: { reason: 'completed' },
  });
  const paged: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = await deployment.listShards(batchId, { limit: 2, ...(after && { after }) });
    paged.push(...page.data.map(({ id }) => id));
    after = page.has_more ? page.last_id : null;
  }
  expect(paged).toEqual(data.map(({ id }) => id));

  const { openai } = api.harness.simulators;
  openai.setFaults([{ kind: 'http_error', operation: 'create', status: 429 }]);
  const id = (await api.harness.drop('waits.jsonl', fileOf([chatLine('a')]))) ?? '';
  const seen: ShardView['waiting'][] = [];
  await drive(api.harness, id, {
    onTurn: async () => {
      const [shard] = (await deployment.listShards(id)).data;
      if (shard?.waiting) seen.push(shard.waiting);
      if ((shard?.waiting?.tries ?? 0) >= 3) openai.setFaults([]);
    },
  });
  openai.setFaults([]);
  expect(new Set(seen.map((waiting) => waiting?.since)).size).toBe(1);
  expect(seen.at(-1)).toMatchObject({ tries: 3, reason: expect.stringMatching(/429|busy|limit/i) });
  expect(Date.now() / 1_000 - (seen[0]?.since ?? 0)).toBeGreaterThan(2);
});

describe('whoever asks', () => {
  it('sees the requests of its own tenant alone, and an operator the shards and errors of all', async () => {
    for (const client of [stranger, operator])
      for (const call of [
        () => client.listRequests(batchId),
        () => client.retrieveRequest(batchId, 1),
        () => client.listShards(batchId),
        () => client.batchErrors(batchId),
      ])
        await expect(call()).rejects.toMatchObject({ status: 404 });
    await expect(stranger.listShards(batchId, { tenant: 'default' })).rejects.toMatchObject({ status: 403 });
    expect((await operator.listShards(batchId, { tenant: 'default' })).data.length).toBeGreaterThan(1);
    expect((await operator.batchErrors(batchId, { tenant: 'default' })).data.length).toBeGreaterThan(1);
  });

  it.each([
    ['requests?tenant=default', 'tenant', 'unknown_parameter', 'Known are: after, limit, status, code, q'],
    ['requests?limt=3', 'limt', 'unknown_parameter', "Did you mean 'limit'?"],
    ['requests?limit=101', 'limit', 'decimal_above_max_value', '<= 100'],
    ['requests?after=x', 'after', 'invalid_type', 'expected a number'],
    ['requests?status=done', 'status', 'invalid_value', "'in_progress'"],
    ['requests?status=completed&code=x', 'code', 'invalid_value', 'leave one of them out'],
    ['requests/one', 'line', 'invalid_value', 'counted from 1'],
    ['shards?after=many', 'after', 'invalid_value', 'name a shard by its round'],
    ['shards?shards_after=0-1', 'shards_after', 'unknown_parameter', 'Known are: after, limit, tenant'],
    ['errors?limit=3', 'limit', 'unknown_parameter', 'Known are: tenant'],
  ])('gets a clear refusal of %s', async (path, param, code, text) => {
    const answer = await api.raw(`/v1/batches/${batchId}/${path}`);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error).toMatchObject({ param, code });
    expect(error.message).toContain(text);
    expect(answer.status).toBe(400);
  });

  it('gets a 404 for a line that is not there, and a 304 for what is known already', async () => {
    await expect(deployment.retrieveRequest(batchId, 8)).rejects.toMatchObject({ status: 404 });
    const path = `/v1/batches/${batchId}/requests?limit=2`;
    const etag = (await api.raw(path)).headers.get('etag') ?? '';
    expect((await api.raw(path, { headers: { 'if-none-match': etag } })).status).toBe(304);
  });
});
