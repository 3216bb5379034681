import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LivePace } from '../../lib/pipeline/live/live-pace.ts';
import type { LiveSettings } from '../../lib/providers/config.ts';
import { runs } from '../seed.ts';

const unbounded: LiveSettings = {
  maxConcurrency: 100,
  requestsPerMinute: null,
  tokensPerMinute: null,
  requestTimeoutSeconds: 300,
  functions: 1,
};

function paceOf(settings: Partial<LiveSettings> = {}): LivePace {
  return new LivePace({ ...unbounded, ...settings }, 0);
}

function answer(pace: LivePace, times: number): void {
  for (let time = 0; time < times; time += 1) pace.noteAnswer(0, 0, null);
}

describe('the calls under way', () => {
  it('begin few and grow by one an answer, up to the most', () => {
    const pace = paceOf();
    expect(pace.limit).toBe(16);
    answer(pace, 4);
    expect(pace.limit).toBe(20);
    answer(pace, 1_000);
    expect(pace.limit).toBe(100);
  });

  it('are halved when it is too much, and then grow by one for as many answers as there are calls', () => {
    const pace = paceOf();
    answer(pace, 4);
    pace.noteRefusal(1_000, 1_000, null);
    expect(pace.limit).toBe(10);
    answer(pace, 8);
    expect(pace.limit).toBe(10);
    answer(pace, 4);
    expect(pace.limit).toBe(11);
  });

  it('are halved once for all calls that began before', () => {
    const pace = paceOf();
    pace.noteRefusal(900, 1_000, null);
    pace.noteRefusal(950, 1_010, null);
    expect([pace.limit, pace.refusalsInARow]).toEqual([8, 1]);
    pace.noteRefusal(1_000, 1_020, null);
    expect([pace.limit, pace.refusalsInARow]).toEqual([4, 2]);
  });

  it('are never fewer than one', () => {
    const pace = paceOf();
    for (let time = 0; time < 20; time += 1) pace.noteRefusal(time, time, null);
    expect(pace.limit).toBe(1);
  });

  it("are this function's share", () => {
    expect(paceOf({ maxConcurrency: 10, functions: 3 }).limit).toBe(3);
    expect(paceOf({ maxConcurrency: 2, functions: 3 }).limit).toBe(1);
  });
});

describe('a pause', () => {
  it('doubles with each refusal in a row, and an answer ends the row', () => {
    const pace = paceOf();
    pace.noteRefusal(0, 0, null);
    expect(pace.waitMs(0, 0)).toBe(500);
    pace.noteRefusal(500, 500, null);
    expect(pace.waitMs(500, 0)).toBe(1_000);
    answer(pace, 1);
    expect(pace.refusalsInARow).toBe(0);
    pace.noteRefusal(1_500, 1_500, null);
    expect(pace.waitMs(1_500, 0)).toBe(500);
  });

  it('is as long as the endpoint asks, and no refusal that comes late makes it shorter', () => {
    const pace = paceOf();
    pace.noteRefusal(0, 1_000, 7);
    pace.noteRefusal(0, 1_000, 2);
    expect(pace.waitMs(1_000, 0)).toBe(7_000);
    expect(pace.pauseMs(3_000)).toBe(5_000);
    expect(pace.waitMs(8_000, 0)).toBe(0);
  });
});

describe('a budget of tokens', () => {
  /** @returns when each call began, sent as soon as it may. */
  function sent(pace: LivePace, calls: readonly number[]): number[] {
    let now = 1_000; // by then the bucket is full
    return calls.map((tokens) => {
      for (let wait = pace.waitMs(now, tokens); wait > 0; wait = pace.waitMs(now, tokens)) now += wait;
      pace.noteCall(now, tokens);
      return now;
    });
  }

  it('is kept in every minute, wherever it begins, and is used', () => {
    const tokensPerMinute = 60_000;
    // The bucket holds 100: none of these is larger.
    const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2_000, maxLength: 3_000 });
    fc.assert(
      fc.property(sizes, (calls) => {
        const times = sent(paceOf({ tokensPerMinute }), calls);
        let oldest = 0;
        let within = 0;
        calls.forEach((tokens, place) => {
          within += tokens;
          for (; (times[oldest] ?? 0) < (times[place] ?? 0) - 60_000; oldest += 1) within -= calls[oldest] ?? 0;
          expect(within).toBeLessThanOrEqual(tokensPerMinute);
        });
        const total = calls.reduce((sum, tokens) => sum + tokens, 0);
        expect(times.at(-1)).toBeLessThan((total / tokensPerMinute) * 60_000 * 1.1);
      }),
      { numRuns: runs(10) },
    );
  });

  it('is charged for what an answer used beyond the estimate, and given back what it did not', () => {
    const waitAfter = (used: number | null) => {
      const pace = paceOf({ tokensPerMinute: 60_000 });
      pace.noteCall(1_000, 50);
      pace.noteAnswer(1_000, 50, used);
      return pace.waitMs(1_000, 100);
    };
    expect(waitAfter(150)).toBeGreaterThan(waitAfter(null));
    expect(waitAfter(10)).toBeLessThan(waitAfter(null));
    expect(waitAfter(50)).toBe(waitAfter(null));
  });

  it('lets a request through that is larger than the bucket, and waits for it afterwards', () => {
    const pace = paceOf({ tokensPerMinute: 60_000 });
    expect(pace.waitMs(1_000, 30_000)).toBe(0);
    pace.noteCall(1_000, 30_000);
    expect(pace.waitMs(1_000, 1)).toBeGreaterThan(29_000);
  });
});
