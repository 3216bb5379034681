import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatLine, fileOf } from '../pipeline/requests.ts';
import { examplesTable, mostCollectTurns, type Usage, usageOf, watchingTable } from './cost-model.ts';
import { type CountedStack, startCountedStack } from './counted-stack.ts';

const linesPerShard = 10;
let counted: CountedStack;

beforeAll(async () => {
  counted = await startCountedStack({
    providers: { openai: { kind: 'openai', secret: 'a', limits: { maxRequests: linesPerShard } } },
    polling: { minSeconds: 1, maxSeconds: 1 },
  });
});

afterAll(() => counted.close());

interface Run {
  polls: number;
  usage: Omit<Usage, 'transitions'>;
}

/** Runs a batch and says how often it was polled and what it asked of AWS: nothing else may have asked meanwhile. */
async function run(shards: number): Promise<Run> {
  for (;;) {
    const ran = await runOnce(shards);
    if (counted.calls.of('sweep') === 0) return ran;
  }
}

async function runOnce(shards: number): Promise<Run> {
  counted.reset();
  const name = `cost-${shards}-${Date.now()}.jsonl`;
  const lines = Array.from({ length: shards * linesPerShard }, (_, place) => chatLine(`${name}-${place}`));
  const { batchId, status } = await counted.drop(name, fileOf(lines));
  expect(status).toBe('completed');
  const { requests, calls } = counted;
  const s3 = (pattern: RegExp) => sum(requests.entries().filter(([operation]) => pattern.test(operation)));
  return {
    polls: calls.of('poll'),
    usage: {
      historyEvents: counted.stack.historyEvents(`${batchId}-0`) ?? 0,
      calls: sum(calls.entries().filter(([name]) => name !== 'sweep')),
      reads: requests.of('dynamodb GetItem'),
      queries: requests.of('dynamodb Query'),
      writes: requests.of('dynamodb PutItem') + requests.of('dynamodb UpdateItem'),
      writeUnits: counted.writeUnits(),
      s3Puts: s3(/^s3 (Put|Copy|Create|Upload|Complete|List)/),
      s3Gets: s3(/^s3 (Get|Head)/),
    },
  };
}

function sum(entries: [string, number][]): number {
  return entries.reduce((total, [, count]) => total + count, 0);
}

function slow(delayMs: number, times?: number): object {
  return { kind: 'slow', delayMs, ...(times !== undefined && { times }) };
}

async function setFaults(faults: readonly object[]): Promise<void> {
  const url = `${new URL(process.env.OPENAI_BASE_URL ?? '').origin}/__simulator/faults`;
  expect((await fetch(url, { method: 'PUT', body: JSON.stringify(faults) })).ok).toBe(true);
}

/**
 * No change seen while it ran and all shards collected together, up to every shard changed in every poll between the first and the
 * last two, and collected in a turn of its own.
 */
function bounds(shards: number, polls: number): [Usage, Usage] {
  const turns = Math.ceil(shards / 40);
  const shape = { shards, polls, submitTurns: turns };
  const changedPolls = polls - 2;
  return [
    usageOf({ ...shape, shardChanges: 0, changedPolls: 0, collectTurns: turns }),
    usageOf({
      ...shape,
      ...{ shardChanges: shards * changedPolls, changedPolls },
      collectTurns: mostCollectTurns(shards, polls),
    }),
  ];
}

/** Of one turn more that collects: Entered and Started, Succeeded and Exited of its Map. */
const eventsOfCollectTurn = 4;

describe('what a batch asks of AWS', () => {
  it.each([
    ['one shard', 1, []],
    ['twelve shards', 12, []],
    ['twelve shards, of which some end later', 12, [slow(4_000, 5), slow(8_000, 2)]],
    ['three shards, polled for a while', 3, [slow(4_000)]],
  ])('keeps to the formula of docs/cost.md: %s', async (_name, shards, faults) => {
    await setFaults(faults);
    const { polls, usage } = await run(shards);
    const [least, most] = bounds(shards, polls);
    expect(polls).toBeGreaterThanOrEqual(3);
    for (const name of ['calls', 'queries'] as const) expect(usage[name], name).toBe(most[name]);
    expect(usage.historyEvents).toBeGreaterThanOrEqual(least.historyEvents);
    expect(usage.historyEvents).toBeLessThanOrEqual(most.historyEvents);
    expect((usage.historyEvents - least.historyEvents) % eventsOfCollectTurn).toBe(0);
    if (faults.length > 1) expect(usage.historyEvents).toBeGreaterThan(least.historyEvents);
    for (const name of ['reads', 'writes', 'writeUnits', 's3Puts', 's3Gets'] as const) {
      expect(usage[name], name).toBeLessThanOrEqual(most[name]);
      // A formula that is far too high says nothing either.
      expect(usage[name], name).toBeGreaterThanOrEqual(Math.floor(least[name] * 0.8));
    }
  });

  it('is priced in docs/cost.md as the formula has it', async () => {
    const docs = unpadded(await readFile('docs/cost.md', 'utf8'));
    expect(docs).toContain(unpadded(examplesTable()));
    expect(docs).toContain(unpadded(watchingTable()));
  });
});

/** A table however its columns are padded. */
function unpadded(markdown: string): string {
  return markdown.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
}
