import { expect, it } from 'vitest';
import { batchProviderKinds } from '../../lib/providers/config.ts';
import { withBucket } from './support/bucket.ts';
import { type LiveApi, recordLiveRequests, recordRequests } from './support/recorded-requests.ts';
import { requestFixture } from './support/request-fixture.ts';

withBucket();

it.each(batchProviderKinds)('sends to %s what its fixture shows', async (kind) => {
  const recording = await recordRequests(kind);
  await expect(requestFixture(kind, recording)).toMatchFileSnapshot(`../fixtures/requests/${kind}.ts`);
});

it.each<LiveApi>(['openai', 'anthropic'])(
  'sends to a live endpoint of %s’s API what its fixture shows',
  async (api) => {
    const recording = await recordLiveRequests(api);
    await expect(requestFixture('live', recording)).toMatchFileSnapshot(`../fixtures/requests/live-${api}.ts`);
  },
);
