import fc from 'fast-check';
import { expect, it } from 'vitest';
import { batchProviderKinds } from '../../lib/providers/config.ts';
import { seedOfTest } from '../seed.ts';
import { withBucket } from './support/bucket.ts';
import { connect, ended, resultsOf, sendingOfBodies, submit } from './support/connected-provider.ts';
import { asChat, talk, without } from './support/talk.ts';
import { targets } from './support/translation-targets.ts';

withBucket();

it.each(batchProviderKinds)('%s refuses nothing that was translated for it', async (kind) => {
  const { lacks = [] } = targets.find(({ provider }) => provider.kind === kind) ?? {};
  const talks = fc.sample(talk, { seed: seedOfTest(), numRuns: 25 });
  const bodies = talks.map((said) => asChat(without(lacks, said)));
  const connection = await connect(kind);
  const sending = sendingOfBodies(kind, bodies);

  const batch = await ended(connection, await submit(connection, sending));
  const results = await resultsOf(kind, connection, batch, sending);

  const refused = results.flatMap((result) =>
    result.kind === 'answered' && result.succeeded
      ? []
      : [{ result, body: 'position' in result && JSON.stringify(bodies[result.position]) }],
  );
  expect(refused).toEqual([]);
  expect(results).toHaveLength(bodies.length);
});
