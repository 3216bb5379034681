import { expect, it } from 'vitest';
import { JoinedResults, retryChain } from '../../cli/batch/joined-results.ts';
import type { BatchState } from '../../cli/transport/batch-state.ts';
import { stateOfStatus } from '../../cli/transport/bucket/status-document.ts';
import type { Transport } from '../../cli/transport/transport.ts';

/** Batches and their files in memory, as a transport has them. */
class KeptBatches implements Pick<Transport, 'open' | 'retryOf'> {
  readonly #files: Record<string, string[]>;
  readonly #batches: readonly BatchState[];

  constructor(batches: readonly BatchState[], files: Record<string, string[]>) {
    this.#batches = batches;
    this.#files = files;
  }

  async open(reference: string) {
    const lines = this.#files[reference] ?? [];
    const named = (id: string) => ({ custom_id: id, from: reference });
    const nameless = { custom_id: null, error: { code: 'line_too_long' }, from: reference };
    const text = lines.map((id) => `${JSON.stringify(id === '?' ? nameless : named(id))}\n`).join('');
    return {
      bytes: null,
      chunks: (async function* () {
        yield Buffer.from(text);
      })(),
    };
  }

  async retryOf({ id }: BatchState): Promise<BatchState | null> {
    return this.#batches.find(({ retryOf }) => retryOf === id) ?? null;
  }
}

function batch(id: string, retryOf: string | null, status = 'completed'): BatchState {
  const counts = { total: 0, completed: 0, failed: 0 };
  const document = { batch_id: id, status, input: null, created_at: 1, request_counts: counts, error_count: 0 };
  const state = stateOfStatus(id, { ...document, output: `${id}.out`, errors: `${id}.err`, first_error: null });
  return { ...state, retryOf };
}

async function idsOf(lines: AsyncIterable<Uint8Array>): Promise<[id: string | null, from: string][]> {
  const found: [string | null, string][] = [];
  for await (const line of lines) {
    const { custom_id, from } = JSON.parse(Buffer.from(line).toString());
    found.push([custom_id, from]);
  }
  return found;
}

it('each request has the first answer that it got, or the last error, over a chain of retries', async () => {
  const batches = [
    batch('one', null),
    batch('two', 'one'),
    batch('three', 'two'),
    batch('four', 'three', 'in_progress'),
  ];
  const transport = new KeptBatches(batches, {
    // c was found by reading the results again, after it had been retried.
    'one.out': ['a', 'c'],
    'one.err': ['b', 'd', 'e'],
    'two.out': ['b', 'c'],
    'two.err': ['d', 'e'],
    'three.out': ['e'],
    'three.err': ['d'],
    'four.out': ['d'],
  }) as unknown as Transport;
  const [first] = batches;
  if (!first) throw new Error('There is no batch.');
  const chain = await retryChain(transport, first);
  expect([chain.batches.map(({ id }) => id), chain.running?.id]).toEqual([['one', 'two', 'three'], 'four']);
  const joined = new JoinedResults(transport, chain.batches);
  expect(await idsOf(joined.answers())).toEqual([
    ['a', 'one.out'],
    ['c', 'one.out'],
    ['b', 'two.out'],
    ['e', 'three.out'],
  ]);
  expect(await idsOf(joined.errors())).toEqual([['d', 'three.err']]);
  expect(joined.counts).toEqual({ completed: 4, failed: 1 });
});

it('what no retry took up again keeps its error', async () => {
  const batches = [batch('one', null), batch('two', 'one'), batch('three', 'two')];
  const transport = new KeptBatches(batches, {
    'one.out': ['a'],
    'one.err': ['?', 'b', 'left-out', 'c'],
    'two.out': ['b'],
    'two.err': ['c'],
    'three.err': ['c', '?'],
  }) as unknown as Transport;
  const joined = new JoinedResults(transport, batches);
  for await (const _answer of joined.answers());
  expect(await idsOf(joined.errors())).toEqual([
    [null, 'one.err'],
    ['left-out', 'one.err'],
    ['c', 'three.err'],
    [null, 'three.err'],
  ]);
  expect(joined.counts).toEqual({ completed: 2, failed: 4 });
});
