import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerRows, idsIn, idsOf } from '../../cli/batch/answer-rows.ts';
import { formattedRows, type RowSource } from '../../cli/batch/formatted-rows.ts';
import type { ResultFormat } from '../../cli/batch/result-format.ts';
import { withTableRows } from '../../cli/batch/table-rows.ts';
import type { OutputFormat } from '../../lib/records/table-kind.ts';
import { Duck } from '../tables/duckdb.ts';

let duck: Duck;

beforeAll(async () => {
  duck = await Duck.start();
});

afterAll(() => duck.stop());

const answered = (id: string, content: string) =>
  JSON.stringify({
    custom_id: id,
    response: {
      status_code: 200,
      body: {
        model: 'gpt-5-mini',
        choices: [{ message: { content } }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      },
    },
    error: null,
  });
const failed = (id: string | null) =>
  JSON.stringify({ custom_id: id, response: null, error: { code: 'invalid_prompt', message: 'No.' } });
const label = (sentiment: string, score: unknown) => `{"sentiment":"${sentiment}","parts":[{"score":${score}}]}`;

async function* bytes(...lines: string[]) {
  yield Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

const results = {
  answers: () => bytes(answered('a', label('good', '9007199254740993')), answered('c', 'not JSON,\n"two" \\ lines')),
  errors: () => bytes(failed('b'), failed(null)),
  order: null,
};
const requests = () => bytes('{"custom_id":"a"}', '{"custom_id":"b"}', '{"custom_id":"b"}', '{"custom_id":"c"}');
const inOrder = { ...results, order: () => idsIn(requests()) };

async function written(source: RowSource, format: ResultFormat): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of formattedRows(source, format)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('the results of requests', () => {
  it('are a text on each line, empty for what failed, with newlines escaped', async () => {
    const text = (await written(answerRows(inOrder, []), 'text')).toString();
    expect(text.split('\n')).toEqual([label('good', '9007199254740993'), '', '', 'not JSON,\\n"two" \\\\ lines', '']);
    expect((await written(answerRows(inOrder, ['sentiment', 'parts.0.score']), 'text')).toString()).toBe(
      'good\t9007199254740993\n\t\n\t\n\t\n',
    );
  });

  it('are rows of CSV, in the order of the requests or answers first', async () => {
    const csv = (await written(answerRows(results, ['sentiment', 'no.such']), 'csv')).toString();
    expect(csv.split('\n').slice(0, 3)).toEqual([
      'sentiment,no.such,_custom_id,_error_code,_error_message,_model,_input_tokens,_output_tokens',
      'good,,a,,,gpt-5-mini,3,2',
      ',,c,,,gpt-5-mini,3,2',
    ]);
    const ids = async (source: RowSource) =>
      (await written(source, 'jsonl'))
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)._custom_id);
    expect(await ids(answerRows(results, []))).toEqual(['a', 'c', 'b', null]);
    expect(await ids(answerRows(inOrder, []))).toEqual(['a', 'b', null, 'c']);
  });

  it('are Parquet, with the types of what stands at the paths', async () => {
    const bytesOf = await written(answerRows(inOrder, ['sentiment', 'parts.0.score', 'parts']), 'parquet');
    const path = await duck.put('paths.parquet', bytesOf);
    const types = (await duck.rows(`describe from '${path}'`)).map(({ column_type }) => column_type);
    expect(types.slice(0, 3)).toEqual(['VARCHAR', 'BIGINT', 'JSON']);
    expect((await duck.rows(`from '${path}'`))[0]).toMatchObject({
      sentiment: 'good',
      'parts.0.score': '9007199254740993',
      _custom_id: 'a',
      _input_tokens: '3',
    });
  });

  it.each([
    [
      () => bytes('{"custom_id":"a"}', '{"custom_id":"x"}'),
      "it has the request 'x' where the results have another one",
    ],
    [() => bytes('{"custom_id":"a"}'), 'it has fewer requests'],
  ])('are refused with a file that is not theirs', async (input, message) => {
    const source = answerRows({ ...results, errors: () => bytes(failed('b')), order: () => idsIn(input()) }, []);
    await expect(written(source, 'csv')).rejects.toThrow(message);
  });
});

describe('a results table', () => {
  const columns = 'id, note, score, _custom_id, _input_tokens, _cost_usd';
  const rows = `(values (1::bigint, 'two
lines', 0.5, 'row-1', 3::bigint, 0.25), (9007199254740993, null, null, 'row-2', null, null)) t(${columns})`;
  const copyOf: Record<OutputFormat, string> = {
    csv: 'format csv, header',
    jsonl: 'format json',
    parquet: 'format parquet',
  };
  const formats: OutputFormat[] = ['csv', 'jsonl', 'parquet'];

  it.each(formats.flatMap((from) => formats.map((to) => [from, to] as const)))('of %s becomes %s', async (from, to) => {
    const path = duck.path(`table.${from}`);
    await duck.run(`copy (from ${rows}) to '${path}' (${copyOf[from]})`);
    const { readFile } = await import('node:fs/promises');
    const part = await readFile(path);
    const open = async () => ({ bytes: part.length, chunks: chunksOf(part) });
    const table = { format: from, parts: [{ reference: 'part', bytes: part.length }], error: null };
    const made = await withTableRows({ open }, table, async (source) => {
      const ids: (string | null)[] = [];
      for await (const id of idsOf(source)) ids.push(id);
      expect(ids).toEqual(['row-1', 'row-2']);
      return written(source, to);
    });
    const after = await duck.put(`made.${to === 'jsonl' ? 'json' : to}`, made);
    const read = to === 'csv' ? `read_csv('${after}', header = true)` : `'${after}'`;
    const found = await duck.rows(
      `select id::varchar as id, note, score::varchar as score, _input_tokens::varchar as tokens, _cost_usd::varchar as cost from ${read}`,
    );
    expect(found).toEqual([
      { id: '1', note: 'two\nlines', score: '0.5', tokens: '3', cost: '0.25' },
      {
        id: '9007199254740993',
        note: null,
        score: null,
        tokens: null,
        cost: null,
      },
    ]);
  });
});

async function* chunksOf(part: Buffer) {
  for (let at = 0; at < part.length; at += 50) yield part.subarray(at, at + 50);
}
