import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { casesOf } from '../seed.ts';
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

/** Each is near to another one. A usual run leaves it to chance in random.test.ts, a longer one tries it here. */
const nearDuplicates: readonly string[] = [
  'closes the connection without a word',
  'sends a chunk of no size',
  'closes half way through a body without a length',
  'compresses, and ends half way',
  'compresses otherwise than it says',
  'says two lengths',
  'says a length that is no number',
  'sends 3,000 headers',
  'sends a header that is none',
  'speaks another protocol',
  'redirects to a sign-on page',
  'answers with a page that says that it is JSON',
  "answers with an error's document of many lines",
  'answers with nothing',
  'answers with an empty list',
  'answers in UTF-16',
  'asks to wait until last year',
  'asks to wait for a while',
];

/** The HTTP client of AWS's SDK reads the right answer there: it decompresses nothing, and passes over interim answers. */
const harmlessToBedrock: readonly string[] = ['says that it compresses, and does not', 'asks to go on, unasked'];

/** AWS's SDK waits for an answer after it, until the call's time is over: 2 seconds for a create, 60 real ones for others. */
const silentToBedrock = 'switches protocols';

/** Each operation meets it once. */
function atFirst(name: string, misdeed: Misdeed): Script {
  return ({ wire, operation, number }) => {
    if (number !== 1 || operation === 'check') return null;
    return name === silentToBedrock && wire === 'bedrock' && operation !== 'create' ? null : misdeed;
  };
}

describe('an upstream that, at the first call of each operation,', () => {
  const tried = casesOf(Object.entries(misdeeds), ([name]) => !nearDuplicates.includes(name));

  it.each(tried)('%s is asked again, and nothing is paid for twice', async (name, misdeed) => {
    const ended = await runBatch(hostile, { script: atFirst(name, misdeed) });
    expect(ended).toMatchObject({ status: 'completed', completed: ended.lines.length });
    const troubled = wires.filter((wire) => wire.name !== 'bedrock' || !harmlessToBedrock.includes(name));
    expect([...ended.reasons.keys()].toSorted()).toEqual(troubled.map(accountOf).toSorted());
  });
});

/** Strange ways do not disturb each other: each call meets another one, and each wire another one at the same call. */
describe('an upstream that, whenever it is called, is strange', () => {
  const strange = Object.entries(oddities);
  const shifts = [0, 3, 6];

  it.each(shifts)('is understood (from way %d on)', async (shift) => {
    const script: Script = ({ wire, operation, number }) => {
      const place = wires.findIndex(({ name }) => name === wire);
      const [name, oddity] = strange[(shift + number + 2 * place) % strange.length] ?? [];
      // AWS writes no byte order mark, and its SDK reads none; objects in a bucket may begin with one.
      const isUnreadable = name === 'begins with a byte order mark' && wire === 'bedrock' && operation !== 'results';
      return isUnreadable ? null : (oddity ?? null);
    };
    const ended = await runBatch(hostile, { script });
    expect(ended).toMatchObject({ status: 'completed', completed: ended.lines.length });
    expect([...ended.reasons]).toEqual([]);
  });
});
