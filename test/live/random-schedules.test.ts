import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runs } from '../seed.ts';
import { ask, Serving, startUpstream, temporaryFolder, until } from './live-harness.ts';
import type { CreateFate, Upstream } from './upstream.ts';

// Equal prompts among them are samples.
const prompts = ['a', 'a', 'a', 'b', 'c', 'd', 'd', 'e'];

/** What ends a pass before all of its calls are answered. */
type Disturbance = { afterMs: number; kind: 'callers leave' | 'server stops' | 'upstream is down' };

const disturbances: fc.Arbitrary<Disturbance[]> = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 400 }),
    kind: fc.constantFrom('callers leave', 'server stops', 'upstream is down'),
  }),
  { minLength: 1, maxLength: 3 },
);

const fates = fc.array(fc.constantFrom<CreateFate>('created', 'answer lost', 'never arrived'), { maxLength: 3 });

/** One pass of a program that asks everything at once, and is disturbed. */
async function disturbedPass(serving: Serving, pass: string, disturbance: Disturbance): Promise<void> {
  const gone = new AbortController();
  const client = serving.client({ pass, maxRetries: 0 });
  const calls = prompts.map((prompt) => ask(client, prompt, { signal: gone.signal }).catch(() => 'none'));
  await new Promise((resolve) => setTimeout(resolve, disturbance.afterMs));
  if (disturbance.kind === 'upstream is down') serving.upstream.isDown = true;
  if (disturbance.kind === 'server stops') await restarted(serving);
  gone.abort();
  await Promise.all(calls);
  serving.upstream.isDown = false;
  await until(() => serving.run.state().waiting === 0);
}

async function restarted(serving: Serving): Promise<void> {
  await serving.stop();
  await serving.start();
}

function paidTwice(upstream: Upstream): string[] {
  const left = [...prompts];
  return upstream.paid.filter((prompt) => {
    const place = left.indexOf(prompt);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
}

it('passes that are disturbed at random moments pay for each request once, and the last one gets every answer', async () => {
  await fc.assert(
    fc.asyncProperty(disturbances, fates, async (sequence, creations) => {
      const upstream = await startUpstream();
      upstream.fates.push(...creations);
      const serving = new Serving(temporaryFolder(), upstream, { createTimeoutSeconds: 0.3, holdSeconds: 60 });
      await serving.start();
      try {
        for (const [index, disturbance] of sequence.entries())
          await disturbedPass(serving, `pass-${index}`, disturbance);
        const client = serving.client({ pass: 'last', maxRetries: 0 });
        const answers = await Promise.all(prompts.map((prompt) => ask(client, prompt)));

        expect(answers.map((answer) => answer.split(' #')[0])).toEqual(prompts);
        expect(new Set(answers).size).toBe(prompts.length);
        expect(paidTwice(upstream)).toEqual([]);
      } finally {
        await serving.stop();
      }
    }),
    { numRuns: runs(6), endOnFailure: true },
  );
});
