import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { keepUsage } from '../../lib/pipeline/finalize/used.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { drive } from '../pipeline/drive.ts';
import { chatLine, claudeLine } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
/** Of an operator who belongs to the tenant `ops`. */
let operatorKey: string;
let ids: { mixed: string; other: string };

const today = new Date('2026-11-30T12:00:00Z');

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: today });
  api = await startApi();
  operatorKey = (await createApiKey(api.harness.services, 'ops', 'operator', 'operator')).key;
  const strangerKey = (await createApiKey(api.harness.services, 'other', 'theirs')).key;
  ids = {
    mixed: await ran([chatLine('a'), claudeLine('b')], api.key, { team: 'search' }),
    other: await ran([chatLine('c')], strangerKey, {}),
  };
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

/** Runs a batch to its end. */
async function ran(lines: string[], key: string, metadata: Record<string, string>): Promise<string> {
  const form = new FormData();
  form.append('purpose', 'batch');
  form.append('file', jsonlFile(lines));
  const file = (await (await call('POST', '/v1/files', key, form)).json()) as { id: string };
  const body = {
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata,
  };
  const { id } = (await (await call('POST', '/v1/batches', key, body)).json()) as { id: string };
  await drive(api.harness, id);
  return id;
}

function call(method: string, path: string, key: string, body?: object): Promise<Response> {
  const isForm = body instanceof FormData;
  return fetch(api.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && !isForm && { 'content-type': 'application/json' }) },
    ...(body && { body: isForm ? body : JSON.stringify(body) }),
  });
}

interface Usage {
  tenant: string | null;
  data: {
    group: Record<string, string | null>;
    requests: number;
    completed: number;
    input_tokens: number;
    output_tokens: number;
    usd: number;
    unpriced: string[];
  }[];
  next: string | null;
}

async function usage(query: string, key = api.key): Promise<Usage> {
  const answer = await call('GET', `/v1/usage?${query}`, key);
  expect(answer.status, query).toBe(200);
  return (await answer.json()) as Usage;
}

describe('what ended batches have used', () => {
  it('is summed by day, and is what the batch says', async () => {
    const { data, next } = await usage('');
    const batch = (await api.client.batches.retrieve(ids.mixed)) as unknown as {
      usage: { input_tokens: number; output_tokens: number };
      batchdrop: { cost: { usd: number }; api_key_id: string };
    };
    const { input_tokens, output_tokens } = batch.usage;
    expect(data).toMatchObject([
      { group: { day: '2026-11-30' }, requests: 2, completed: 2, input_tokens, output_tokens, unpriced: [] },
    ]);
    expect(data[0]?.usd).toBeCloseTo(batch.batchdrop.cost.usd, 6);
    expect(data[0]?.usd).toBeGreaterThan(0);
    expect(next).toBeNull();
    expect(batch.batchdrop.api_key_id).toMatch(/^key_/);
  });

  it('is summed by model, key, batch and label, and by several at once', async () => {
    const by = async (groups: string) => (await usage(`by=${groups}`)).data.map(({ group }) => group);
    expect(await by('model')).toEqual([{ model: expect.stringContaining('claude') }, { model: 'gpt-5-mini' }]);
    expect(await by('batch')).toEqual([{ batch: ids.mixed }]);
    expect(await by('metadata.team')).toEqual([{ 'metadata.team': 'search' }]);
    expect(await by('metadata.nothing')).toEqual([{ 'metadata.nothing': null }]);
    expect(await by('api_key')).toEqual([{ api_key: expect.stringMatching(/^key_/) }]);
    expect(await by('day,provider')).toEqual([
      { day: '2026-11-30', provider: 'anthropic' },
      { day: '2026-11-30', provider: 'openai' },
    ]);
  });

  it('is that of the days that were asked for', async () => {
    expect((await usage('from=2026-11-30&to=2026-11-30')).data).toHaveLength(1);
    expect((await usage('from=2026-10-01&to=2026-11-29')).data).toEqual([]);
  });

  it("of all tenants is an operator's to see, and nobody else's", async () => {
    const all = await usage('by=tenant', operatorKey);
    expect(all.tenant).toBeNull();
    expect(all.data.map(({ group, requests }) => [group.tenant, requests])).toEqual([
      ['default', 2],
      ['other', 1],
    ]);
    expect((await usage('tenant=other&by=batch', operatorKey)).data).toMatchObject([{ group: { batch: ids.other } }]);
    expect((await usage('', operatorKey)).data).toEqual([]);
    for (const query of ['by=tenant', 'tenant=other', 'tenant=*']) {
      const refusal = await call('GET', `/v1/usage?${query}`, api.key);
      expect([refusal.status, await refusal.json()]).toMatchObject([403, { error: { code: 'operator_required' } }]);
    }
    expect((await usage('by=day&tenant=default')).data).toHaveLength(1);
  });

  it.each([
    'by=colour',
    'by=day,model,batch,tenant',
    'by=day,day',
    'from=yesterday',
    'to=2026-10-01',
    'from=2026-11-30&to=2026-11-29',
    'after=x',
    'by=metadata.',
  ])('is not to be had for %s', async (query) => {
    expect((await call('GET', `/v1/usage?${query}`, api.key)).status).toBe(400);
  });

  it("and batches of another tenant are an operator's to see, by their names, and nobody else's", async () => {
    const list = await call('GET', '/v1/batches?tenant=other', operatorKey);
    expect(await list.json()).toMatchObject({
      data: [{ id: ids.other, batchdrop: { tenant: 'other', name: 'requests.jsonl' } }],
    });
    const one = await call('GET', `/v1/batches/${ids.other}?tenant=other`, operatorKey);
    expect(await one.json()).toMatchObject({ id: ids.other, batchdrop: { shards: [{ retryable: 0, lost: 0 }] } });
    expect((await call('GET', `/v1/batches/${ids.other}`, operatorKey)).status).toBe(404);
    for (const path of ['/v1/batches?tenant=other', `/v1/batches/${ids.other}?tenant=other`])
      expect((await call('GET', path, api.key)).status).toBe(403);
    expect((await call('GET', '/v1/batches?tenant=Other%20one', operatorKey)).status).toBe(400);
  });

  it('leads no further than the own tenant by a cursor', async () => {
    const cursor = Buffer.from(JSON.stringify(['other', '2026-11-30', ids.other])).toString('base64url');
    expect((await call('GET', `/v1/usage?after=${cursor}`, api.key)).status).toBe(400);
    expect((await usage(`after=${cursor}&tenant=other`, operatorKey)).data).toEqual([]);
    const other = await call(
      'GET',
      `/v1/usage?after=${cursor}&tenant=other&from=2026-10-01&to=2026-10-31`,
      operatorKey,
    );
    expect(other.status).toBe(400);
  });
});

describe('the record of a batch', () => {
  const list = () =>
    Array.fromAsync(
      api.harness.services.usageRecords.list({
        tenant: 'default',
        from: '2026-11-01',
        to: '2026-12-31',
        after: null,
        pageItems: 1,
      }),
    );

  it('is written once, whatever is written later', async () => {
    const before = await list();
    vi.setSystemTime(today.getTime() + 3 * 24 * 3_600_000);
    await keepUsage(api.harness.services, await api.harness.batch(ids.mixed));
    expect(await list()).toEqual(before);
    expect(before).toMatchObject([{ batchId: ids.mixed, day: '2026-11-30', metadata: { team: 'search' } }]);
    vi.setSystemTime(today);
  });

  it('of a batch that ended under an earlier release is made from its receipt, once', async () => {
    const { services } = api.harness;
    const spy = vi.spyOn(services.usageRecords, 'create').mockResolvedValue(undefined);
    const old = await ran([chatLine('old')], api.key, {});
    spy.mockRestore();
    expect((await usage('by=batch')).data.map(({ group }) => group.batch)).not.toContain(old);
    for (let times = 0; times < 2; times += 1) {
      const filled = await (await call('POST', '/v1/usage/fill', api.key)).json();
      expect(filled).toEqual({ object: 'usage.fill', batches: 2, next: null });
    }
    const { data } = await usage('by=batch');
    expect(data.find(({ group }) => group.batch === old)).toMatchObject({ requests: 1, completed: 1 });
    expect((await call('POST', '/v1/usage/fill?tenant=other', api.key)).status).toBe(403);
    expect((await call('POST', '/v1/usage/fill?tenant=*', operatorKey)).status).toBe(400);
  });
});
