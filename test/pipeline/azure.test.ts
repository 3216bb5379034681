import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startSimulator } from '../../simulators/simulators.ts';
import { drive } from './drive.ts';
import { startHarness } from './harness.ts';

it('drops a byte order mark that Azure would refuse', async () => {
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
  const lines = ['a', 'b'].map((id) =>
    JSON.stringify({
      custom_id: id,
      method: 'POST',
      url: '/v1/chat/completions',
      body: { model: 'azure/my-deployment', messages: [{ role: 'user', content: 'Hello' }] },
    }),
  );

  const batchId = await harness.drop('marked.jsonl', `\uFEFF${lines.join('\n')}\n`);
  await drive(harness, batchId ?? '');

  expect(await harness.status('marked.jsonl')).toMatchObject({
    status: 'completed',
    request_counts: { total: 2, completed: 2, failed: 0 },
  });
});
