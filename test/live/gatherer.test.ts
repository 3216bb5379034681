import { expect, it } from 'vitest';
import { type GatherBounds, Gatherer } from '../../lib/live/gatherer.ts';
import { until } from './live-harness.ts';

const large: GatherBounds = { quietSeconds: 600, maxAgeSeconds: 600, maxRequests: 100, maxBytes: 1_000 };

function gatherer(bounds: Partial<GatherBounds>) {
  const sent: number[][] = [];
  return { sent, gathering: new Gatherer({ ...large, ...bounds }, (ids) => void sent.push(ids)) };
}

it('sends what has gathered before a request that would make it too many bytes', () => {
  const { sent, gathering } = gatherer({ maxBytes: 1_000 });
  for (const [id, bytes] of [400, 600, 1, 999, 1].entries()) gathering.add(id, bytes);

  expect(sent).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(gathering.size).toBe(1);
  gathering.stop();
});

it('sends as many requests as a batch may have, and each of them once', () => {
  const { sent, gathering } = gatherer({ maxRequests: 2 });
  for (const id of [1, 1, 2, 3]) gathering.add(id, 1);

  expect(sent).toEqual([[1, 2]]);
  gathering.stop();
});

it('sends at the age of the first request, though others keep coming', async () => {
  const { sent, gathering } = gatherer({ maxAgeSeconds: 0.1 });
  let id = 0;
  const coming = setInterval(() => gathering.add(id++, 0), 10);
  await until(() => sent.length > 0);
  clearInterval(coming);
  gathering.stop();

  expect(sent[0]?.[0]).toBe(0);
});
