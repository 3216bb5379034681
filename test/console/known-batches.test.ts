import { describe, expect, it } from 'vitest';
import type { Batch } from '../../console/api/batch.ts';
import { type KnownBatches, loadOlder, refreshBatches } from '../../console/api/known-batches.ts';
import { timeLeft } from '../../console/format/batch-facts.ts';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { type BatchStatus, emptyBatch } from '../../lib/records/openai-batch.ts';

const signal = new AbortController().signal;

function batch(number: number, status: BatchStatus = 'completed'): Batch {
  const counts = { total: 100, completed: 50, failed: 0 };
  const at = { created_at: 1_000 + number, in_progress_at: 1_000, expires_at: 9_000 };
  return {
    ...emptyBatch(`batch_${number}`),
    ...at,
    status,
    request_counts: counts,
    batchdrop: { name: `${number}.jsonl` },
  };
}

/** A deployment with these batches, newest first, of which an answer holds so many. */
function deploymentWith(batches: () => readonly Batch[], pageItems: number): Deployment {
  const answer = (target: URL) => {
    const [, id] = /\/batches\/(\w+)$/.exec(target.pathname) ?? [];
    if (id !== undefined) return batches().find((each) => each.id === id);
    const after = target.searchParams.get('after');
    const status = target.searchParams.get('status');
    const begin = after === null ? 0 : batches().findIndex((each) => each.id === after) + 1;
    const looked = batches().slice(begin, begin + pageItems);
    const data = looked.filter((each) => status === null || each.status === status);
    const next = begin + pageItems < batches().length ? (looked.at(-1)?.id ?? null) : null;
    const seen = { looked: looked.length, looked_to: looked.at(-1)?.created_at ?? null, next };
    return { object: 'list', data, last_id: data.at(-1)?.id ?? null, has_more: next !== null, batchdrop: seen };
  };
  return new Deployment({
    url: 'http://127.0.0.1:9',
    apiKey: 'key',
    fetch: async (target) => Response.json(answer(new URL(String(target)))),
  });
}

function namesOf({ batches }: KnownBatches): (string | null | undefined)[] {
  return batches.map(({ batchdrop }) => batchdrop.name);
}

describe('the batches that are loaded', () => {
  it('keep older ones while new ones come, each once', async () => {
    const all = [batch(3), batch(2, 'in_progress'), batch(1)];
    const deployment = deploymentWith(() => all, 2);
    const first = await refreshBatches(deployment, {}, null, signal);
    expect(namesOf(first)).toEqual(['3.jsonl', '2.jsonl']);
    const whole = await loadOlder(deployment, {}, first, signal);
    expect(whole).toMatchObject({ next: null, looked: 3 });
    all.unshift(batch(5), batch(4));
    all[3] = batch(2, 'completed');
    const later = await refreshBatches(deployment, {}, whole, signal);
    expect(namesOf(later)).toEqual(['5.jsonl', '4.jsonl', '3.jsonl', '2.jsonl', '1.jsonl']);
    expect(later.batches[3]?.status).toBe('completed');
    expect(later.batches[4]).toBe(whole.batches[2]);
  });

  it('are the same object while nothing changes', async () => {
    const deployment = deploymentWith(() => [batch(2), batch(1, 'in_progress')], 1);
    const known = await loadOlder(deployment, {}, await refreshBatches(deployment, {}, null, signal), signal);
    expect(await refreshBatches(deployment, {}, known, signal)).toBe(known);
  });

  it('let go of what fits a filter no longer, and look past empty answers', async () => {
    let all = [batch(4), batch(3), batch(2, 'in_progress'), batch(1, 'in_progress')];
    const deployment = deploymentWith(() => all, 1);
    const filters = { status: 'in_progress' };
    const known = await refreshBatches(deployment, filters, null, signal);
    expect(namesOf(known)).toEqual(['2.jsonl']);
    expect(known.looked).toBe(3);
    all = [batch(2), batch(1, 'in_progress')];
    const deploymentOfTwo = deploymentWith(() => all, 2);
    const both = { ...known, batches: [batch(2, 'in_progress'), batch(1, 'in_progress')] };
    expect(namesOf(await refreshBatches(deploymentOfTwo, filters, both, signal))).toEqual(['1.jsonl']);
  });
});

describe('the time left', () => {
  it('is extrapolated from what has ended, and says so', () => {
    const running = batch(0, 'in_progress');
    expect(timeLeft(running, 1_600)).toEqual({
      left: 'about 10 min',
      basis: expect.stringMatching(
        /^50%.* of 100 requests took 10 min; the rest at the same pace; its deadline is in 2 h 3 min\.$/,
      ),
    });
    expect(timeLeft(batch(0), 1_600)).toBeNull();
  });

  it('is not guessed from nothing', () => {
    const fresh = { ...batch(0, 'in_progress'), request_counts: { total: 1_000, completed: 1, failed: 0 } };
    expect(timeLeft(fresh, 1_600)).toMatchObject({ left: null, basis: expect.stringContaining('Too few') });
  });
});
