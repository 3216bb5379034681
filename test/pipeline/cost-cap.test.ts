import { describe, expect, it } from 'vitest';
import { assertLinesWithinMaximum, assertWithinMaxima, costLimitOf } from '../../lib/pipeline/maxima.ts';
import { capExcess } from '../../lib/pipeline/submit/cost-cap.ts';
import { parseConfig } from '../../lib/providers/config.ts';
import { parseOptions } from '../../lib/records/options.ts';

const maxima = { max_cost_usd: 10, deadline_hours: 96, max_attempts: 3, priority: 'normal', bytes: 1_000, lines: 5 };
const config = parseConfig(
  JSON.stringify({ providers: { openai: { kind: 'openai', secret: 's' } }, maxima }),
  'maxima.config.json',
);

describe('the configuration’s maxima', () => {
  it.each([
    ['max_cost_usd', { max_cost_usd: 10.01 }, 1],
    ['deadline_hours', { deadline_hours: 97 }, 1],
    ['max_attempts', { max_attempts: 4, deadline_hours: 24 }, 1],
    ['priority', { priority: 'high' }, 1],
    ['bytes', {}, 1_001],
  ])('refuse a batch that passes %s', (param, options, bytes) => {
    const refused = expect.objectContaining({ code: 'above_maximum', param });
    expect(() => assertWithinMaxima(config, parseOptions(options), bytes)).toThrow(refused);
  });

  it('let pass what is at them, and lines as well', () => {
    const options = { max_cost_usd: 10, deadline_hours: 96, max_attempts: 3, priority: 'normal' };
    expect(() => assertWithinMaxima(config, parseOptions(options), 1_000)).not.toThrow();
    expect(() => assertLinesWithinMaximum(config, 5)).not.toThrow();
    expect(() => assertLinesWithinMaximum(config, 6)).toThrow('lines is 6');
  });

  it('cap the cost of a batch that names no cap', () => {
    expect(costLimitOf(config, {})).toBe(10);
    expect(costLimitOf(config, { max_cost_usd: 2 })).toBe(2);
  });
});

describe('before each sending', () => {
  const shard = (place: number, set: string, rest: object) => ({
    batchId: 'b',
    set,
    shard: place,
    provider: 'openai',
    ...rest,
  });
  const sets: Record<string, object[]> = {
    first: [
      shard(0, 'first', { status: 'collected', estimatedUsd: 1, result: { costUsd: 4 } }),
      shard(1, 'first', { status: 'submitted', estimatedUsd: 3 }),
      shard(2, 'first', { status: 'pending', estimatedUsd: 100 }),
    ],
    second: [shard(0, 'second', { status: 'submitting', estimatedUsd: 2 })],
  };
  const services = { config, records: { listShards: async (_batchId: string, set: string) => sets[set] ?? [] } };
  const batch = (limit: number) => ({
    id: 'b',
    options: { max_cost_usd: limit },
    rounds: [{ token: 'first' }, { token: 'second' }],
  });

  it('spent, open and this one are held against the cap, over all rounds', async () => {
    const own = sets.second?.[0];
    // 4 spent, 3 open, 2 for this one
    expect(await capExcess(services as never, batch(9) as never, own as never)).toBeNull();
    expect(await capExcess(services as never, batch(8.99) as never, own as never)).toContain(
      'would pass max_cost_usd 8.99',
    );
  });
});
