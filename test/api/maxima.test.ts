import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drive } from '../pipeline/drive.ts';
import { fileOf, numbered } from '../pipeline/requests.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;
let files = 0;

const maxima = { max_cost_usd: 10, deadline_hours: 96, max_attempts: 3, priority: 'normal', bytes: 1_000, lines: 4 };

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  // A dollar for a token that is written. What `our-2` writes at most is known, what `our-1` does is not.
  const price = { input: 0, output: 1_000_000, batchDiscount: 0 };
  const prices = { 'gpt-4o': price, 'our-2': { ...price, maxOutputTokens: 11 }, 'our-*': price };
  api = await startApi({
    providers: { openai: { kind: 'openai', secret: 'openai', models: ['our-*'], prices, createTimeoutSeconds: 10 } },
    config: { maxima },
  });
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

function line(id: string, members: object = { max_tokens: 2 }, model = 'gpt-4o'): string {
  const body = { model, messages: [{ role: 'user', content: 'hi' }], ...members };
  return JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body });
}

/** Drops a file and runs its batch, if there is one, to its end. */
async function dropped(lines: readonly string[], metadata: Record<string, string> = {}, sidecar?: object) {
  files += 1;
  const name = `maxima-${files}.jsonl`;
  if (sidecar) await api.harness.put(`inbox/${name}.options.json`, JSON.stringify(sidecar));
  const batchId = await api.harness.drop(name, fileOf(lines), metadata);
  if (batchId !== null) await drive(api.harness, batchId);
  return { status: await api.harness.status(name), batchId };
}

async function created(lines: readonly string[], options: object): Promise<OpenAI.Batch> {
  const text = fileOf(lines);
  const file = await api.client.files.create({ file: new File([text], 'input.jsonl'), purpose: 'batch' });
  const body = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  return api.client.batches.create({ ...body, ...options });
}

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof OpenAI.APIError ? { status: error.status, code: error.code, param: error.param } : error;
}

const excesses: [string, string][] = [
  ['max_cost_usd', '10.01'],
  ['deadline_hours', '97'],
  ['max_attempts', '4'],
  ['priority', 'high'],
];

describe('a maximum of the configuration', () => {
  it.each(excesses)('%s refuses a drop, by its metadata or its sidecar', async (option, value) => {
    const given = option === 'max_attempts' ? { deadline_hours: '24' } : {};
    const metadata = { ...given, [option]: value };
    const refused = { status: 'refused', first_error: { code: 'above_maximum', param: option } };
    const dashed = Object.fromEntries(
      Object.entries(metadata).map(([name, text]) => [name.replaceAll('_', '-'), text]),
    );
    expect((await dropped([line('a')], dashed)).status).toMatchObject(refused);
    const parsed = Object.entries(metadata).map(([name, text]) => [name, name === 'priority' ? text : Number(text)]);
    expect((await dropped([line('a')], {}, Object.fromEntries(parsed))).status).toMatchObject(refused);
  });

  it.each(excesses)('%s refuses a creation', async (option, value) => {
    const given = option === 'max_attempts' ? { deadline_hours: 24 } : {};
    const options = { ...given, [option]: option === 'priority' ? value : Number(value) };
    expect(await refusalOf(created([line('a')], options))).toEqual({
      status: 400,
      code: 'above_maximum',
      param: option,
    });
  });

  it('bytes refuses drops, files and uploads; no part is larger than its upload', async () => {
    const large = [line('a', { max_tokens: 1, user: 'u'.repeat(1_000) })];
    const refused = { status: 'refused', first_error: { code: 'above_maximum', param: 'bytes' } };
    expect((await dropped(large)).status).toMatchObject(refused);
    expect(await refusalOf(created(large, {}))).toMatchObject({ code: 'above_maximum', param: 'bytes' });
    const upload = { filename: 'a.jsonl', purpose: 'batch', mime_type: 'application/jsonl' } as const;
    expect(await refusalOf(api.client.uploads.create({ ...upload, bytes: 1_001 }))).toMatchObject({ param: 'bytes' });
    const { id } = await api.client.uploads.create({ ...upload, bytes: 200 });
    const part = (bytes: number) =>
      api.client.uploads.parts.create(id, { data: new File(['x'.repeat(bytes)], 'part') });
    const tooLarge = { status: 400, code: 'upload_too_large', param: 'data' };
    expect(await refusalOf(part(201))).toEqual(tooLarge);
    await part(200);
    await part(200);
    expect(await refusalOf(part(1))).toEqual(tooLarge);
  });

  it('lines fails the batch while it is read', async () => {
    const { status } = await dropped(numbered(5, (id) => line(id)));
    expect(status).toMatchObject({ status: 'failed', first_error: { code: 'above_maximum', param: 'lines' } });
    const batch = await created(
      numbered(4, (id) => line(id)),
      {},
    );
    await drive(api.harness, batch.id);
    expect(await api.client.batches.retrieve(batch.id)).toMatchObject({ status: 'completed' });
  });

  it('of the cost is the cap of a batch that names none', async () => {
    const over = await dropped([line('a', { max_tokens: 6 }), line('b', { max_tokens: 5 })]);
    expect(over.status).toMatchObject({ status: 'failed', first_error: { code: 'budget_exceeded' } });
    expect(over.status.first_error?.message).toContain('may cost $11.00, above max_cost_usd 10');
    const within = await dropped([line('a', { max_tokens: 5 }), line('b', { max_tokens: 5 })]);
    expect(within.status.status).toBe('completed');
  });
});

describe('a request without a limit on its output', () => {
  it('is refused under a cap where nobody says how much its model writes', async () => {
    const { status } = await dropped([line('a', {}, 'our-1')], { 'max-cost-usd': '9' });
    expect(status).toMatchObject({ status: 'failed', first_error: { code: 'unbounded_cost', param: 'max_cost_usd' } });
    expect(status.first_error?.message).toContain('our-1');
  });

  it('counts the most that its model writes', async () => {
    const { status } = await dropped([line('a', {}, 'our-2')]);
    expect(status.first_error?.message).toContain('may cost $11.00');
  });

  it('counts what the batch assumes, and report and receipt say so', async () => {
    const { status, batchId } = await dropped([line('a', {}, 'our-1'), line('b', {}, 'our-2')], {
      'assume-output-tokens': '5',
    });
    expect(status.status).toBe('completed');
    const { report } = await api.harness.batch(batchId ?? '');
    expect(report).toMatchObject({ isOutputBound: false, estimatedOutputTokens: 10, estimatedCost: { usd: 10 } });
    const summary = JSON.parse((await api.harness.read(`results/${batchId}/batch.json`)) ?? '');
    expect(summary.batchdrop.receipt.assumptions).toEqual([
      '2 requests without a limit on output are assumed to write 5 tokens each.',
    ]);
  });
});
