import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { summaryOf } from '../../bench/soak/report.ts';
import { soak } from '../../bench/soak/soak.ts';
import { seedOfTest } from '../seed.ts';

describe('a short soak', () => {
  it('breaks no promise, whatever fails', async () => {
    const seed = seedOfTest();
    const folder = await mkdtemp(join(tmpdir(), 'batchdrop-soak-'));
    const result = await soak({
      seed,
      chaosMs: 12_000,
      // Long enough for a slow machine to send something before it is too late; what waits for it is slept through.
      slackMs: 120_000,
      settleMs: 300_000,
      dropEverySeconds: 1,
      hasLargeDrops: false,
      hasHostileProviders: false,
      endsWithRestart: true,
      folder,
      say: () => undefined,
    });
    expect(result.violations, `seed ${seed}, in ${folder}\n${summaryOf(result)}`).toEqual([]);
    expect(result.batches.length).toBeGreaterThan(2);
    expect(result.creations.length).toBeGreaterThan(0);
    await rm(folder, { recursive: true });
  }, 400_000);
});
