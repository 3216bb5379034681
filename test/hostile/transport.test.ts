import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { misdeeds, oddities } from './misdeeds.ts';
import { accountOf, type Hostile, runBatch, startHostile, wires } from './one-batch.ts';
import type { Misdeed, Script } from './upstream.ts';

vi.setConfig({ testTimeout: 120_000 });

let hostile: Hostile;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  hostile = await startHostile();
});

afterAll(async () => {
  await hostile.close();
  vi.useRealTimers();
});

/** Each operation meets it once. */
function atFirst(misdeed: Misdeed): Script {
  return ({ operation, number }) => (number === 1 && operation !== 'check' ? misdeed : null);
}

describe('an upstream that, at the first call of each operation,', () => {
  it.each(Object.entries(misdeeds))('%s is asked again, and nothing is paid for twice', async (_name, misdeed) => {
    const ended = await runBatch(hostile, { script: atFirst(misdeed) });
    expect(ended).toMatchObject({ status: 'completed', completed: ended.lines.length });
    for (const wire of wires) expect(ended.reasons.get(accountOf(wire)), wire.name).toBeDefined();
  });
});

/** Strange ways do not disturb each other: each call meets another one, and each wire another one at the same call. */
describe('an upstream that, whenever it is called, is strange', () => {
  const strange = Object.values(oddities);
  const shifts = [0, 3, 6];

  it.each(shifts)('is understood (from way %d on)', async (shift) => {
    const script: Script = ({ wire, number }) => {
      const place = wires.findIndex(({ name }) => name === wire);
      return strange[(shift + number + 2 * place) % strange.length] ?? null;
    };
    const ended = await runBatch(hostile, { script });
    expect(ended).toMatchObject({ status: 'completed', completed: ended.lines.length });
    expect([...ended.reasons]).toEqual([]);
  });
});
