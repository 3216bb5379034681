import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isObject } from '../../lib/records/json.ts';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, claudeLine, fileOf, nativeLine } from './requests.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/formats.md'), 'utf8');

/** The JSON below a heading of the page. */
function documented(heading: string): unknown {
  const [, below = ''] = page.split(`## ${heading}\n`);
  const [, block] = /```json\n(.*?)\n```/s.exec(below) ?? [];
  if (block === undefined) throw new Error(`docs/formats.md has no example under '${heading}'.`);
  return JSON.parse(block);
}

/** Members that hold whatever a customer or provider named, and those of the answer itself. */
const free = new Set(['metadata', 'body', 'message', 'raw_results', 'result_sha256']);

/** Which members there are and of which kind, whatever their values. A list counts by its first item. */
function shapeOf(value: unknown, name = ''): unknown {
  if (free.has(name)) return 'free';
  if (Array.isArray(value)) return value.slice(0, 1).map((item) => shapeOf(item));
  if (!isObject(value)) return value === null ? 'null' : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => [key, shapeOf(member, key)]),
  );
}

let harness: Harness;
let actual: Record<string, unknown>;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-30T12:00:00Z') });
  harness = await startHarness();
  const lines = [
    chatLine('review-1'),
    chatLine('review-2', '[[refuse]]'),
    claudeLine('review-3'),
    nativeLine('review-4'),
  ];
  const id =
    (await harness.drop('reviews.jsonl', fileOf(lines), { 'max-cost-usd': '50', metadata: '{"team":"search"}' })) ?? '';
  await drive(harness, id);
  const { output, errors } = await harness.results(id);
  const parsed = (text: string | null | undefined): unknown => JSON.parse(text ?? 'null');
  actual = {
    'A result line': parsed(output[0]),
    "A result line of a request in Anthropic's form": parsed(output.at(-1)),
    'An error line': parsed(errors[0]),
    'The status file': parsed(await harness.read('status/reviews.jsonl.json')),
    'The summary': parsed(await harness.read(`results/${id}/batch.json`)),
    'The event': harness.events.at(-1)?.detail,
  };
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

describe('docs/formats.md shows what there is', () => {
  it.each([
    'A result line',
    "A result line of a request in Anthropic's form",
    'An error line',
    'The status file',
    'The summary',
    'The event',
  ])('%s', (heading) => {
    expect(shapeOf(actual[heading])).toMatchObject(shapeOf(documented(heading)) as object);
  });
});
