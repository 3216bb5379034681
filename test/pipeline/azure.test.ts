import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startSimulator } from '../../simulators/simulators.ts';
import { drive } from './drive.ts';
import { startHarness } from './harness.ts';

async function startedHarness() {
  vi.useFakeTimers({ toFake: ['Date'] });
  const dataDir = mkdtempSync(join(tmpdir(), 'azure-'));
  const azure = await startSimulator.azure({ dataDir, apiKey: 'right-key' });
  const entry = { kind: 'azure', baseUrl: azure.url, secret: 'azure', settleSeconds: 5, createTimeoutSeconds: 10 };
  const harness = await startHarness({ providers: { azure: entry } });
  onTestFinished(async () => {
    await harness.close();
    await azure.close();
    rmSync(dataDir, { recursive: true, force: true });
    vi.useRealTimers();
  });
  return harness;
}

const body = { model: 'azure/my-deployment', messages: [{ role: 'user', content: 'Hello' }] };

it('drops a byte order mark that Azure would refuse', async () => {
  const harness = await startedHarness();
  const lines = ['a', 'b'].map((id) =>
    JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body }),
  );

  const batchId = await harness.drop('marked.jsonl', `\uFEFF${lines.join('\n')}\n`);
  await drive(harness, batchId ?? '');

  expect(await harness.status('marked.jsonl')).toMatchObject({
    status: 'completed',
    request_counts: { total: 2, completed: 2, failed: 0 },
  });
});

it('takes a file as Azure documents it, and one of ids and bodies alone, in every round', async () => {
  const harness = await startedHarness();
  const documented = ['a', 'b'].map((id) =>
    JSON.stringify({ custom_id: id, method: 'POST', url: '/chat/completions', body: { ...body, seed: 1 } }),
  );
  const failing = { ...body, messages: [{ role: 'user', content: '[[server-error]]' }] };
  const bare = [JSON.stringify({ custom_id: 'a', body }), JSON.stringify({ custom_id: 'b', body: failing })];

  const first = await harness.drop('documented.jsonl', `${documented.join('\n')}\n`, { endpoint: '/chat/completions' });
  const second = await harness.drop('bare.jsonl', `${bare.join('\n')}\n`, {
    provider: 'azure',
    endpoint: '/v1/chat/completions',
    'max-attempts': '2',
  });
  for (const batchId of [first, second]) await drive(harness, batchId ?? '');

  const counts = { total: 2, completed: 2, failed: 0 };
  expect(await harness.status('documented.jsonl')).toMatchObject({ status: 'completed', request_counts: counts });
  expect(await harness.status('bare.jsonl')).toMatchObject({
    status: 'completed',
    request_counts: { total: 2, completed: 1, failed: 1 },
  });
  expect((await harness.batch(second ?? '')).rounds).toHaveLength(2);
  expect((await harness.results(second ?? '')).retry).toEqual([bare[1]]);
});
