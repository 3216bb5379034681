import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { beginRecollection } from '../../lib/records/batch.ts';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, fileOf } from './requests.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

const integers = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
/** No number fits, so the simulator's does not. */
const impossible = { ...integers, properties: { n: { type: 'integer', not: { type: 'integer' } } } };
const unknownPattern = { ...integers, properties: { n: { type: 'string', pattern: '^(?=a)' } } };

function asking(id: string, schema: object, content = 'x', more: object = {}): string {
  return JSON.stringify({
    custom_id: id,
    method: 'POST',
    url: '/v1/chat/completions',
    body: {
      model: 'gpt-5-mini',
      messages: [{ role: 'user', content }],
      ...more,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
    },
  });
}

async function run(name: string, lines: string[], sidecar?: object): Promise<string> {
  if (sidecar) await harness.put(`inbox/${name}.options.json`, JSON.stringify(sidecar));
  const id = await harness.drop(name, fileOf(lines));
  if (id === null) throw new Error((await harness.status(name)).first_error?.message);
  await drive(harness, id);
  return id;
}

const warningSchema = z.object({ line: z.number(), custom_id: z.string(), code: z.string(), message: z.string() });

async function warningsOf(id: string) {
  const text = (await harness.read(`results/${id}/warnings.jsonl`)) ?? '';
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => warningSchema.parse(JSON.parse(line)));
}

const summarySchema = z.object({
  batchdrop: z.object({ receipt: z.object({ invalid_outputs: z.number().nullable() }), warning_count: z.number() }),
});

async function summaryOf(id: string) {
  return summarySchema.parse(JSON.parse((await harness.read(`results/${id}/batch.json`)) ?? '')).batchdrop;
}

describe('the answers to a file of requests', () => {
  it('that do not fit their schemas are reported and stay completed', async () => {
    const lines = [
      asking('fits', integers),
      asking('unfit', impossible),
      chatLine('free'),
      asking('declined', integers, '[[decline]]'),
      asking('again', impossible, 'y'),
    ];
    const id = await run('unfit.jsonl', lines);
    expect(await warningsOf(id)).toMatchObject([
      { line: 2, custom_id: 'unfit', code: 'invalid_output', message: expect.stringContaining('/n must NOT be valid') },
      { line: 4, custom_id: 'declined', code: 'refused' },
      { line: 5, custom_id: 'again', code: 'invalid_output' },
    ]);
    const { output, errors } = await harness.results(id);
    expect([output.length, errors.length]).toEqual([5, 0]);
    expect(await harness.status('unfit.jsonl')).toMatchObject({
      status: 'completed',
      invalid_outputs: 3,
      warning_count: 3,
      request_counts: { completed: 5, failed: 0 },
    });
    expect(harness.events.at(-1)?.detail).toMatchObject({ invalid_outputs: 3 });
    expect(await summaryOf(id)).toEqual({ receipt: { invalid_outputs: 3 }, warning_count: 3 });
  });

  it('of a request with several choices give one warning', async () => {
    const id = await run('choices.jsonl', [asking('n', impossible, 'x', { n: 2 })]);
    expect(await warningsOf(id)).toHaveLength(1);
  });

  it('to a schema that cannot be checked give one warning for it, and no count of those', async () => {
    const lines = [asking('a', unknownPattern), asking('b', unknownPattern), asking('c', impossible)];
    const id = await run('pattern.jsonl', lines);
    expect(await warningsOf(id)).toMatchObject([
      { custom_id: 'a', code: 'schema_unchecked', message: expect.stringContaining('it holds the pattern') },
      { custom_id: 'c', code: 'invalid_output' },
    ]);
    expect(await harness.status('pattern.jsonl')).toMatchObject({ invalid_outputs: 1, warning_count: 2 });
  });

  it.each([
    ['none.jsonl', [asking('a', impossible)], { check: 'none' }],
    ['free.jsonl', [chatLine('a')], {}],
  ])('are not counted in %s', async (name, lines, sidecar) => {
    const id = await run(name, lines, sidecar);
    expect(await warningsOf(id)).toEqual([]);
    expect(await harness.status(name)).toMatchObject({ invalid_outputs: null, warning_count: 0 });
    expect(harness.events.at(-1)?.detail).not.toHaveProperty('invalid_outputs');
  });

  it('are warned of once, however often the batch comes to its end', async () => {
    // A translated request, of which Prepare has warned before.
    const more = { model: 'claude-haiku-4-5', max_completion_tokens: 100, logit_bias: { 1: 1 } };
    const id = await run('twice.jsonl', [asking('a', impossible, 'x', more)]);
    const before = await warningsOf(id);
    expect(before.map(({ code }) => code)).toEqual(['parameter_dropped', 'parameter_changed', 'invalid_output']);
    await harness.services.records.updateBatch(id, (current) => {
      const reopened = beginRecollection(current, Math.floor(Date.now() / 1_000));
      return { ...reopened, recollection: reopened.recollection && { ...reopened.recollection, isOpen: true } };
    });
    await drive(harness, id);
    expect(await warningsOf(id)).toEqual(before);
    expect(await harness.status('twice.jsonl')).toMatchObject({ invalid_outputs: 1, warning_count: 3 });
  });

  it('may be kept by name, and not be made errors', async () => {
    await run('kept.jsonl', [asking('a', impossible)], { on_invalid_output: 'keep', check: 'schema' });
    expect(await harness.status('kept.jsonl')).toMatchObject({ status: 'completed', invalid_outputs: 1 });
    await expect(run('error.jsonl', [asking('a', impossible)], { on_invalid_output: 'error' })).rejects.toThrow(
      "on_invalid_output may be 'error' for tables alone",
    );
  });
});
