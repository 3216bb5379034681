import { expect, it } from 'vitest';
import { batchProviderKinds } from '../../lib/core/config.ts';
import { withBucket } from './bucket.ts';
import { recordRequests } from './recorded-requests.ts';
import { requestFixture } from './request-fixture.ts';

withBucket();

it.each(batchProviderKinds)('sends to %s what its fixture shows', async (kind) => {
  const recording = await recordRequests(kind);
  await expect(requestFixture(kind, recording)).toMatchFileSnapshot(`../fixtures/requests/${kind}.ts`);
});
