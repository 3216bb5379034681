import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, embeddingLine, fileOf, nativeLine, numbered } from './requests.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

beforeEach(() => {
  harness.events.length = 0;
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

describe('a dropped file', () => {
  it.each([
    ['OpenAI chat', (id: string) => chatLine(id)],
    ['chat for Claude', (id: string) => claudeLine(id)],
    ["Anthropic's own form", (id: string) => nativeLine(id)],
    ['embeddings', (id: string) => embeddingLine(id)],
  ])('of %s comes back answered, in its order', async (name, line) => {
    const lines = numbered(25, line);
    const batchId = await harness.drop(`${name}.jsonl`, fileOf(lines));
    if (batchId === null) throw new Error('refused');
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    const status = await harness.status(`${name}.jsonl`);
    expect(status).toMatchObject({ batch_id: batchId, status: 'completed', error_count: 0, errors: null });
    expect(status.request_counts).toEqual({ total: 25, completed: 25, failed: 0 });
  });

  it('may mix models of several providers and still comes back in its order', async () => {
    const lines = numbered(30, (id) =>
      Number(id.split('-')[1]) % 3 === 0 ? claudeLine(id) : chatLine(id, id, id.endsWith('1') ? 'gpt-5' : 'o3'),
    );
    const batchId = await harness.drop('mixed.jsonl', fileOf(lines));
    if (batchId === null) throw new Error('refused');
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    const summary = JSON.parse((await harness.read(`results/${batchId}/batch.json`)) ?? '');
    expect(summary).toMatchObject({ object: 'batch', status: 'completed', model: null });
    expect(summary.batchdrop.receipt.provider_batches).toHaveLength(3);
    expect(summary.batchdrop.receipt.cost.usd).toBeGreaterThan(0);
    expect(harness.events).toEqual([
      {
        status: 'completed',
        detail: expect.objectContaining({ id: `${batchId}:completed`, version: '1', tenant: 'default' }),
      },
    ]);
  });

  it('with requests that the provider refuses keeps those apart and ready to be sent again', async () => {
    const lines = numbered(10, (id) => chatLine(id, id === 'request-4' ? '[[refuse]]' : 'hello'));
    const batchId = await harness.drop('refused.jsonl', fileOf(lines));
    if (batchId === null) throw new Error('refused');
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    const { errors, retry } = await harness.results(batchId);
    expect(retry).toEqual([lines[4]]);
    const { first_error } = await harness.status('refused.jsonl');
    expect(first_error?.message).toContain('request-4: ');
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({
      custom_id: 'request-4',
      response: { status_code: 400 },
      error: { attempts: 1 },
    });
    await expectNeverSentTwice(harness, batchId);
    await expectNothingOpen(harness);
  });
});
