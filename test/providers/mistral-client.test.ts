import { expect, it } from 'vitest';
import { connectClient } from '../../lib/providers/connect.ts';
import { providers } from '../../lib/providers/registry.ts';
import { apiKey, connect, inputFileOf, noAbort, sendingOf, settingsFor } from './support/connected-provider.ts';

it('finds a lost job behind an old one, however the list is ordered', async () => {
  const { simulator, client } = await connect('mistral');
  const sending = sendingOf('mistral', ['a']);
  const providerInputFileId = await inputFileOf({ simulator, client }, sending);
  const created = await client.create(sending, providerInputFileId, noAbort);
  const oldFirst: typeof fetch = async (input, init) => {
    const list = (await (await fetch(input, init)).json()) as { data: object[]; total: number };
    const old = { ...list.data[0], id: 'old', created_at: 1, input_files: [], metadata: {} };
    return Response.json({ ...list, data: [old, ...list.data], total: list.total + 1 });
  };
  const settings = settingsFor('mistral', simulator.url, async () => apiKey);
  const changed = connectClient(providers.mistral, { ...settings, clientOptions: { fetch: oldFirst } });

  const now = Date.now();
  const lost = {
    sending,
    providerInputFileId,
    windowStartMs: now - 1_000,
    windowEndMs: now,
    isClaimed: async () => false,
  };
  expect(await changed.findLost(lost, noAbort)).toEqual({
    finding: 'found',
    providerBatchId: created.outcome === 'created' && created.providerBatchId,
  });
});
