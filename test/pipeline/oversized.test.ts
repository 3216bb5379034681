import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CustomIds } from '../../lib/lines/custom-ids.ts';
import { splitLines } from '../../lib/lines/jsonl.ts';
import { InputSharding, type ValidationState } from '../../lib/pipeline/prepare/input-sharding.ts';
import { parseOptions } from '../../lib/records/options.ts';
import { newShard } from '../../lib/records/shard.ts';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';

/** DynamoDB's, of one item. */
const maxItemBytes = 400 * 1024;

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

beforeEach(() => {
  harness.simulators.openai.setFaults([]);
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

async function run(name: string, lines: readonly string[], metadata: Record<string, string> = {}) {
  const batchId = (await harness.drop(name, fileOf(lines), metadata)) ?? '';
  await drive(harness, batchId, { maxTurns: 40 });
  return harness.batch(batchId);
}

function withKeyTwice(id: string, key: string): string {
  return `${chatLine(id).slice(0, -1)},${JSON.stringify(key)}:1,${JSON.stringify(key)}:2}`;
}

function withMember(line: string, name: string): string {
  const parsed = JSON.parse(line);
  return JSON.stringify({ ...parsed, body: { ...parsed.body, [name]: 1 } });
}

describe('an input whose names are too long for a record', () => {
  it.each<[string, string[], Record<string, string>]>([
    [
      '250 models of 2,000 characters',
      numbered(250, (id) => chatLine(id, 'hi', id.padEnd(2_000, 'm'))),
      { provider: 'openai' },
    ],
    ['a model of 500 KB', [chatLine('a', 'hi', 'm'.repeat(500_000))], { provider: 'openai' }],
    ['two doubled keys of 250 KB', ['a', 'b'].map((id) => withKeyTwice(id, 'k'.repeat(250_000))), {}],
    [
      'three members of 200 KB that a provider does not know',
      ['a', 'b', 'c'].map((id) => withMember(claudeLine(id), 'k'.repeat(200_000))),
      { strict: 'true' },
    ],
  ])('such as %s is refused, and its record says why', async (what, lines, metadata) => {
    const batch = await run(`${what.replaceAll(/\W/g, '-')}.jsonl`, lines, metadata);
    expect(batch.status).toBe('failed');
    expect(batch.errorCount).toBeGreaterThanOrEqual(lines.length);
    expect(batch.errors[0]?.message.length).toBeLessThan(2_000);
    expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(maxItemBytes);
  });
});

describe('a record', () => {
  it('that is too large is refused before it is sent to the table', async () => {
    const batch = await run('small.jsonl', [chatLine('a')]);
    const write = harness.services.records.updateBatch(batch.id, (current) => ({
      ...current,
      parametersHash: 'x'.repeat(maxItemBytes),
    }));
    await expect(write).rejects.toMatchObject({ code: 'record_too_large' });
    expect((await harness.batch(batch.id)).parametersHash).toBe(batch.parametersHash);
  });

  it('keeps metadata whatever its keys are called', async () => {
    const metadata = { constructor: 'x', toString: 'y' };
    const batch = await run('metadata.jsonl', [chatLine('a')], { metadata: JSON.stringify(metadata) });
    expect(Object.entries(batch.options.metadata ?? {}).toSorted()).toEqual(Object.entries(metadata));
  });

  it('keeps its sums exact where a provider counts absurdly', async () => {
    harness.simulators.openai.setFaults([{ kind: 'result_line', effect: 'absurd_usage', lines: 3, times: 1 }]);
    const batch = await run('absurd.jsonl', numbered(5, chatLine));
    expect(batch).toMatchObject({ status: 'completed', counts: { total: 5, completed: 5, failed: 0 } });
    expect(batch.usage?.total_tokens).toBeGreaterThan(0);
    expect(batch.usage?.total_tokens).toBeLessThan(10_000);
    expect(batch.cost?.usd).toBeLessThan(1);
  });
});

describe('an input that needs more than 10,000 shards', () => {
  const plan = newShard({
    batchId: 'batch',
    round: 0,
    set: 'set',
    shard: 0,
    provider: 'openai',
    model: 'm',
    endpoint: '/v1/chat/completions',
    lineCount: 1,
    bytes: 1,
    estimatedTokens: 1,
    linesKey: '',
    sentKey: null,
    indexKey: '',
  });

  function shardingBehind(shards: number): InputSharding {
    const validation: ValidationState = {
      lines: shards,
      refusedLines: 0,
      isFailed: false,
      seen: { urlEndpoint: '/v1/chat/completions', hasNativeLines: false },
      estimates: [],
      shards: Array.from({ length: shards }, (_, shard) => ({ ...plan, shard })),
      refused: [],
      report: { firstErrors: [], errorCount: 0, warningCount: 0, errorPieces: [], warningPieces: [] },
      routingNotes: [],
    };
    const batch = { id: 'batch_many', options: parseOptions({}) };
    return new InputSharding(harness.services, batch, 'token', { customIds: new CustomIds(), validation });
  }

  async function add(sharding: InputSharding, lines: readonly string[]): Promise<void> {
    async function* chunks() {
      yield Buffer.from(fileOf(lines));
    }
    try {
      for await (const found of splitLines(chunks())) await sharding.add(found);
    } finally {
      await sharding.abort();
    }
  }

  it('is refused at the first line of the 10,001st, before it is read to its end', async () => {
    const models = ['gpt-5-mini', 'gpt-5-nano', 'not json'];
    const lines = models.map((model) => (model === 'not json' ? '{' : chatLine(model, 'hi', model)));
    const sharding = shardingBehind(9_999);
    await expect(add(sharding, lines)).rejects.toMatchObject({ code: 'too_many_shards' });
    expect(sharding.lines).toBe(10_001);
  });

  it('is none as long as it needs 10,000', async () => {
    await expect(add(shardingBehind(9_999), [chatLine('a'), chatLine('b')])).resolves.toBeUndefined();
  });
});
