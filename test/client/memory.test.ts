import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { spawnSimulators } from '../simulators/started-simulators.ts';
import { temporaryFolder } from './provider-at-hand.ts';

const script = fileURLToPath(new URL('./send-large-input.ts', import.meta.url));

/** An idle process with both SDKs takes 120 MB. Measured: about 220 MB. */
const maxPeakMb = 300;

/** The others are sent by the same code as OpenAI's. */
it.each(['openai', 'anthropic'] as const)(
  'sends 100 MB out of an iterable and reads the results in flat memory: %s',
  async (kind) => {
    const { ready } = await spawnSimulators(temporaryFolder());
    const url = ready.urls[kind];

    const { stdout } = await promisify(execFile)(process.execPath, [script, kind, url]);

    const { succeeded, peakMb } = JSON.parse(stdout);
    expect(succeeded).toBe(10_000);
    expect(peakMb).toBeLessThan(maxPeakMb);
  },
  120_000,
);
