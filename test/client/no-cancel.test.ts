import { expect, it } from 'vitest';
import {
  ConflictError,
  cancelBatch,
  createBatch,
  retrieveBatch,
  runBatch,
  waitForBatch,
} from '../../lib/client/index.ts';
import { endless, models, startProvider } from './provider-at-hand.ts';

const request = { custom_id: 'a', body: { messages: [{ role: 'user' as const, content: 'hi' }] } };
const input = [{ ...request, body: { model: models.openrouter, ...request.body } }];

it('a provider that cannot cancel batches says so, and the batch goes on', async () => {
  const { at } = await startProvider('openrouter', { timing: endless });
  const { id: batchId } = await createBatch({ ...at, input, endpoint: '/v1/chat/completions' });
  const cancelling = cancelBatch({ ...at, batchId });
  await expect(cancelling).rejects.toThrow(ConflictError);
  await expect(cancelling).rejects.toThrow(`OpenRouter cannot cancel batches: ${batchId} runs to its end`);
  expect((await retrieveBatch({ ...at, batchId })).status).not.toMatch(/cancel/);
});

it('whoever aborts a run of its batches is told that it is paid for', async () => {
  const { at } = await startProvider('openrouter', { timing: endless });
  const stop = new AbortController();
  const running = runBatch(models.openrouter, [request.body], {
    ...at,
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  await expect(running).rejects.toThrow(/OpenRouter cannot cancel batches: .* is paid for/);
});

it('a batch of its that has ended stays as it is', async () => {
  const { at } = await startProvider('openrouter');
  const { id: batchId } = await createBatch({ ...at, input, endpoint: '/v1/chat/completions' });
  await waitForBatch({ ...at, batchId, pollIntervalSeconds: 0.05 });
  expect(await cancelBatch({ ...at, batchId })).toMatchObject({ id: batchId, status: 'completed' });
});
