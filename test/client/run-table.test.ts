import OpenAI from 'openai';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { InvalidInputError, runTable, type TableResult } from '../../lib/client/index.ts';
import { startProvider, thrownBy } from './provider-at-hand.ts';

const soon = { pollIntervalSeconds: 0.05 };
const asking = (content: string, more: object = {}) => ({
  custom_id: 'review-{{ id }}',
  body: { model: 'gpt-5-mini', messages: [{ role: 'user', content }], ...more },
});
const schemaOf = (schema: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'label', schema } },
});
const label = {
  type: 'object',
  properties: { sentiment: { enum: ['good', 'bad'] } },
  required: ['sentiment'],
  additionalProperties: false,
};

describe('runTable', () => {
  it.each(['openai', 'anthropic'] as const)('gives the rows with their answers, in order, at %s', async (kind) => {
    const { at } = await startProvider(kind);
    async function* rows() {
      for (const [place, text] of ['fine', '[[refuse]]', 'bad "quoted"'].entries()) yield { id: place, text };
    }
    const model = kind === 'openai' ? { model: 'gpt-5-mini' } : { model: 'claude-opus-4-6', max_tokens: 50 };
    const template = asking('Label: {{ text }}', model);

    const results = await runTable({ rows: rows(), template, ...at, ...soon });

    expect(results.map(({ row, customId, succeeded }) => [row.text, customId, succeeded])).toEqual([
      ['fine', 'review-0', true],
      ['[[refuse]]', 'review-1', false],
      ['bad "quoted"', 'review-2', true],
    ]);
    expect(results[0]?.answer).toEqual(expect.any(String));
    expect(results[1]?.error).toMatchObject({ name: 'RequestError', statusCode: 400 });
    expectTypeOf(results).toEqualTypeOf<TableResult<{ id: number; text: string }>[]>();
  });

  it('shows the template what a program holds: times, BigInts, bytes, lists', async () => {
    const { at } = await startProvider('openai');
    const row = {
      at: new Date(0),
      big: 2n ** 64n,
      bytes: Uint8Array.of(255, 0),
      list: [1, 'x'],
      none: null,
      nan: Number.NaN,
    };
    const content = '{{ at }} {{ big }} {{ bytes }} {{ list }} [{{ none }}] {{ nan }}';
    await runTable({ rows: [row], template: { body: asking(content).body }, ...at, ...soon });
    const { files } = new OpenAI({ apiKey: at.apiKey, baseURL: at.apiBase });
    const [file] = (await files.list({ purpose: 'batch' })).data;
    const sent = JSON.parse(await (await files.content(file?.id ?? '')).text());
    expect(sent.body.messages[0].content).toBe('1970-01-01T00:00:00.000Z 18446744073709551616 /wA= [1,"x"] [] NaN');
  });

  it("reads answers by the template's own schema, and says which cannot be used", async () => {
    const { at } = await startProvider('openai');
    const rows = [
      { id: 1, text: 'fine' },
      { id: 2, text: '[[decline]]' },
    ];
    const good = await runTable({ rows, template: asking('{{ text }}', schemaOf(label)), ...at, ...soon });
    expect(good[0]?.answer).toEqual({ sentiment: expect.stringMatching(/^(good|bad)$/) });
    expect(good[1]).toMatchObject({ succeeded: false, answer: null, error: { code: 'refused' } });
    const never = { type: 'object', properties: { n: { type: 'integer', not: { type: 'integer' } } }, required: ['n'] };
    const [unfit] = await runTable({
      rows: rows.slice(0, 1),
      template: asking('{{ text }}', schemaOf(never)),
      ...at,
      ...soon,
    });
    expect(unfit?.error).toMatchObject({ code: 'invalid_output', statusCode: 200 });
  });

  it('sends a schema of zod, and its answers have that type', async () => {
    const { at } = await startProvider('openai');
    const schema = z.object({ sentiment: z.enum(['good', 'bad']), score: z.number() });
    const [result] = await runTable({ rows: [{ id: 1 }], template: asking('{{ id }}'), schema, ...at, ...soon });
    expect(result?.answer).toEqual({ sentiment: expect.any(String), score: expect.any(Number) });
    if (result?.succeeded) expectTypeOf(result.answer).toEqualTypeOf<{ sentiment: 'good' | 'bad'; score: number }>();
  });

  it('sends nothing where a request cannot be made of some rows, or leaves those out', async () => {
    const { at, simulator } = await startProvider('openai');
    const rows = [{ id: 1, seed: '5' }, { id: 2, seed: 'five' }, { id: 3 }, { id: 4, seed: '6' }];
    const template = asking('Say {{ id }}', { seed: '{{ seed | as_number }}' });
    const error = await thrownBy(runTable({ rows, template, ...at, ...soon }));
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error).toMatchObject({
      code: 'invalid_row',
      errors: [
        { line: 2, param: 'seed', message: "Row 2: column 'seed': 'five' is no number." },
        { line: 3, message: "Row 3: has no column 'seed'." },
      ],
    });
    expect(await simulator.creations()).toHaveLength(0);
    const results = await runTable({ rows, template, onInvalidRow: 'error', ...at, ...soon });
    expect(results.map(({ row, customId, error: failed }) => [row.id, customId, failed?.code ?? null])).toEqual([
      [1, 'review-1', null],
      [2, null, 'invalid_row'],
      [3, null, 'invalid_row'],
      [4, 'review-4', null],
    ]);
  });

  it('gives nothing for no rows', async () => {
    const { at } = await startProvider('openai');
    expect(await runTable({ rows: [], template: asking('{{ id }}'), ...at, ...soon })).toEqual([]);
  });

  it.each([
    [{ template: asking('{{ id | no_such }}') }, 'invalid_template'],
    [{ rows: 5 }, 'rows is an array'],
    [{ onInvalidRow: 'ignore' }, "onInvalidRow is 'fail' or 'error'"],
    [{ providerOptions: { dry_run: true } }, 'A dry run has no results'],
    [{ templates: {} }, 'templates'],
  ])('refuses %j', async (wrong, message) => {
    const options = { rows: [{ id: 1 }], template: asking('{{ id }}'), provider: 'openai', apiKey: 'sk-x', ...wrong };
    const error = await thrownBy(runTable(options as unknown as Parameters<typeof runTable>[0]));
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(String(error) + (error instanceof InvalidInputError ? error.code : '')).toContain(message);
  });
});
