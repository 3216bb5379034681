import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RowValues } from '../../lib/pipeline/finalize/row-values.ts';
import { beginRecollection } from '../../lib/records/batch.ts';
import { templateWorkKey } from '../../lib/records/object-keys.ts';
import { newShard } from '../../lib/records/shard.ts';
import { retryBatch } from '../../lib/service/retry-batch.ts';
import { resultColumns } from '../../lib/tables/result-columns.ts';
import { as } from '../policies/caller.ts';
import { drive, pass, shortTimes, sweepNow } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

const schema = {
  type: 'object',
  properties: { sentiment: { enum: ['good', 'bad'] }, score: { type: 'number' } },
  required: ['sentiment', 'score'],
  additionalProperties: false,
};
const template = {
  custom_id: 'review-{{ id }}',
  body: {
    model: 'gpt-5-mini',
    messages: [{ role: 'user', content: 'Label: {{ row["Review Text"] | truncate: 40 }}' }],
    response_format: { type: 'json_schema', json_schema: { name: 'label', schema } },
  },
};
const asking = (content: string) => ({ body: { model: 'gpt-5-mini', messages: [{ role: 'user', content }] } });
const options = (more: object) => JSON.stringify(more);

async function dropped(name: string, body: string | Buffer, sidecar: object): Promise<string> {
  await harness.put(`inbox/${name}.options.json`, options(sidecar));
  const batchId = await harness.drop(name, body);
  if (batchId === null) throw new Error(`refused: ${(await harness.status(name)).first_error?.message}`);
  return batchId;
}

/** The parts of the results table, as they stand in the bucket. */
async function partsOf(batchId: string): Promise<{ key: string; bytes: Buffer }[]> {
  const { objects } = await harness.services.objects.listPage(`results/${batchId}/table/`, '');
  return Promise.all(objects.map(async ({ key }) => ({ key, bytes: await harness.services.objects.readBytes(key) })));
}

/** Reads files as anybody would, by DuckDB. */
async function query(parts: readonly { key: string; bytes: Buffer }[], sql: (pattern: string) => string) {
  const folder = await mkdtemp(join(tmpdir(), 'batchdrop-duckdb-'));
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    for (const { key, bytes } of parts) await writeFile(join(folder, key.replaceAll('/', '_')), bytes);
    const reader = await connection.runAndReadAll(sql(join(folder, '*')));
    return { rows: reader.getRowObjectsJson(), types: reader.columnTypes().map(String), names: reader.columnNames() };
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true });
  }
}

const reviews = 'id,Review Text,stars\n1,"Good, really",5\n2,"two\nlines ""quoted""",\n3,😀 {{ stars }},1\n';

describe('a dropped table with a template', () => {
  it('comes back as a table: the columns of the input, of the answer and ours, a row for each row', async () => {
    const batchId = await dropped('reviews.csv', reviews, { template });
    await drive(harness, batchId);
    const status = await harness.status('reviews.csv');
    expect(status).toMatchObject({ status: 'completed', request_counts: { total: 3, completed: 3, failed: 0 } });
    expect(status).toMatchObject({ table: `s3://batchdrop/results/${batchId}/table/`, table_error: null });
    const parts = await partsOf(batchId);
    expect(parts.map(({ key }) => key)).toEqual([`results/${batchId}/table/part-00000.csv`]);
    const { rows, names } = await query(parts, (files) => `select * from read_csv('${files}', all_varchar = true)`);
    expect(names).toEqual([
      'id',
      'Review Text',
      'stars',
      'sentiment',
      'score',
      '_custom_id',
      '_error_code',
      '_error_message',
      '_model',
      '_input_tokens',
      '_output_tokens',
      '_cost_usd',
    ]);
    expect(rows.map(({ 'Review Text': text }) => text)).toEqual([
      'Good, really',
      'two\nlines "quoted"',
      '😀 {{ stars }}',
    ]);
    const answers = (await harness.results(batchId)).output.map((line) => JSON.parse(line));
    for (const [place, row] of rows.entries()) {
      const { body } = answers[place].response;
      const label = JSON.parse(body.choices[0].message.content);
      expect(row).toMatchObject({ _custom_id: `review-${place + 1}`, _error_code: null, sentiment: label.sentiment });
      expect(Number(row.score)).toBe(label.score);
      expect(row._input_tokens).toBe(String(body.usage.prompt_tokens));
    }
    const { cost } = await harness.batch(batchId);
    const sum = rows.reduce((dollars, row) => dollars + Number(row._cost_usd), 0);
    expect(sum).toBeCloseTo(cost?.usd ?? -1, 5);
    const [sent = ''] = await harness.sentToOpenAI();
    expect(sent).toContain('Label: 😀 {{ stars }}');
  });

  it('is asked for as Parquet and as JSON lines too, with the types of its values', async () => {
    const rows = [
      '{"id": 1, "big": 9007199254740993, "note": "a", "tags": ["x"]}',
      '{"id": 2, "note": null, "ok": true}',
    ];
    const asParquet = await dropped('typed.ndjson', rows.join('\n'), {
      template: {
        ...template,
        custom_id: '{{ id }}',
        body: { ...template.body, messages: [{ role: 'user', content: '{{ note }}' }] },
      },
      output_format: 'parquet',
    });
    await drive(harness, asParquet);
    const read = await query(await partsOf(asParquet), (files) => `select * from read_parquet('${files}')`);
    expect(Object.fromEntries(read.names.map((name, place) => [name, read.types[place]]))).toMatchObject({
      id: 'BIGINT',
      big: 'BIGINT',
      note: 'VARCHAR',
      ok: 'BOOLEAN',
      sentiment: 'VARCHAR',
      score: 'DOUBLE',
      _input_tokens: 'BIGINT',
      _cost_usd: 'DOUBLE',
    });
    expect(read.rows.map(({ id, big, note, tags, ok }) => ({ id, big, note, tags, ok }))).toEqual([
      { id: '1', big: '9007199254740993', note: 'a', tags: '["x"]', ok: null },
      { id: '2', big: null, note: null, tags: null, ok: true },
    ]);
    const asLines = await dropped('typed.rows.jsonl', rows.join('\n'), { template: asking('{{ note }}') });
    await drive(harness, asLines);
    const [part] = await partsOf(asLines);
    const lines = part?.bytes.toString().trim().split('\n') ?? [];
    expect(lines[0]).toContain('{"id": 1, "big": 9007199254740993, "note": "a", "tags": ["x"],"answer":"');
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ id: 2, ok: true, _custom_id: 'row-2' });
  });

  it('of Parquet comes back as Parquet with the types that it had, in however many runs', async () => {
    const count = 450;
    const day = (place: number) => new Date(Date.UTC(2026, 0, 1 + place));
    const written = parquetWriteBuffer({
      columnData: [
        { name: 'id', data: Array.from({ length: count }, (_, place) => 2n ** 60n + BigInt(place)) },
        { name: 'day', data: Array.from({ length: count }, (_, place) => day(place)), type: 'TIMESTAMP' },
        { name: 'note', data: Array.from({ length: count }, (_, place) => (place === 7 ? null : `note ${place}`)) },
        { name: 'tags', data: Array.from({ length: count }, (_, place) => ({ n: place })), type: 'JSON' },
        { name: 'unused', data: Array.from({ length: count }, () => 1.5), type: 'DOUBLE' },
      ],
      rowGroupSize: 40,
    });
    const content = '{{ day }} {{ note }} {{ tags }}';
    const batchId = await dropped('typed.parquet', Buffer.from(written), {
      template: { ...asking(content), custom_id: '{{ id }}' },
      columns: ['note', 'id', 'day', 'tags'],
    });
    await drive(harness, batchId, { context: shortTimes([3, 4]) });
    const parts = await partsOf(batchId);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts[0]?.key).toMatch(/\.parquet$/);
    const { rows, names, types } = await query(
      parts,
      (files) => `select * from read_parquet('${files}', filename = true) order by filename, id`,
    );
    expect(names.slice(0, 5)).toEqual(['note', 'id', 'day', 'tags', 'answer']);
    expect(types.slice(0, 4)).toEqual(['VARCHAR', 'BIGINT', 'TIMESTAMP WITH TIME ZONE', 'VARCHAR']);
    expect(rows.map(({ id, note, _custom_id, _error_code }) => [id, note, _custom_id, _error_code])).toEqual(
      Array.from({ length: count }, (_, place) => {
        const id = String(2n ** 60n + BigInt(place));
        return [id, place === 7 ? null : `note ${place}`, id, null];
      }),
    );
    const sent = (await harness.sentToOpenAI()).join();
    expect(sent).toContain('2026-01-02T00:00:00Z note 1 {\\"n\\":1}');
    expect(await harness.status('typed.parquet')).toMatchObject({ warnings: null });
  });

  it('of Parquet with types that do not come back says so, and brings them as JSON', async () => {
    const written = parquetWriteBuffer({
      columnData: [{ name: 'tags', data: [['a'], []] }],
      schema: [
        { name: 'root', num_children: 1 },
        { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8' },
      ],
    });
    const batchId = await dropped('nested.parquet', Buffer.from(written), { template: asking('{{ tags }}') });
    await drive(harness, batchId);
    const read = await query(await partsOf(batchId), (files) => `select tags from read_parquet('${files}')`);
    expect(read).toMatchObject({ types: ['VARCHAR'], rows: [{ tags: '["a"]' }, { tags: '[]' }] });
    const { warnings } = await harness.status('nested.parquet');
    expect(warnings).toBe(`s3://batchdrop/results/${batchId}/warnings.jsonl`);
    expect(await harness.read(`results/${batchId}/warnings.jsonl`)).toContain(
      '"param":"tags","code":"type_changed","message":"Column \'tags\' is a list, a map or a struct, and comes back as JSON text',
    );
  });

  it.each([
    ['cut.parquet', Buffer.from('PAR1 and no more'), 'failed', 'does not end as a Parquet file does'],
    ['no.parquet', Buffer.from('a,b\n1,2\n'), 'refused', "'no.parquet' does not begin as Apache Parquet does"],
    ['secret.parquet', Buffer.from('PARE and more'), 'refused', "'secret.parquet' is encrypted Parquet"],
    ['is.csv', Buffer.from('PAR1 and more'), 'refused', "'is.csv' is Apache Parquet. Name it *.parquet."],
  ])('%s is refused for what it is', async (name, bytes, status, message) => {
    await harness.put(`inbox/${name}.options.json`, options({ template: asking('{{ a }}') }));
    const batchId = await harness.drop(name, bytes);
    if (batchId !== null) await drive(harness, batchId);
    expect(await harness.status(name)).toMatchObject({
      status,
      first_error: { message: expect.stringContaining(message) },
    });
  });

  it.each([
    ['packed.csv.gz', gzipSync],
    ['packed.ndjson.zst', zstdCompressSync],
  ])('%s is inflated and read in however many runs', async (name, compress) => {
    const isCsv = name.includes('csv');
    const line = (place: number) => (isCsv ? `${place},"cell ${place}"` : `{"id":${place},"text":"cell ${place}"}`);
    const lines = [...(isCsv ? ['id,text'] : []), ...Array.from({ length: 120 }, (_, place) => line(place))];
    // A third of it is noise, so that it inflates in several pieces.
    const noise = randomBytes(1_500_000).toString('base64');
    lines.push(isCsv ? `120,${noise}` : `{"id":120,"text":"${noise}"}`);
    const batchId = await dropped(name, compress(lines.join('\n')), {
      template: { ...asking('{{ text | truncate: 20 }}'), custom_id: '{{ id }}' },
      output_format: 'csv',
      answer: 'text',
    });
    await drive(harness, batchId, { context: shortTimes([2, 3]) });
    expect(await harness.status(name)).toMatchObject({ status: 'completed', request_counts: { total: 121 } });
    const { rows } = await query(
      await partsOf(batchId),
      (files) =>
        `select id, text from read_csv('${files}', all_varchar = true, max_line_size = 4000000) order by id::int`,
    );
    expect(rows.map(({ id, text }) => [id, text === noise ? 'noise' : text])).toEqual([
      ...Array.from({ length: 120 }, (_, place) => [`${place}`, `cell ${place}`]),
      ['120', 'noise'],
    ]);
  });

  it.each([
    ['cut.csv.gz', gzipSync('a\n1\n').subarray(0, -4), 'refused', 'unexpected end of file'],
    ['plain.csv.gz', Buffer.from('a\n1\n'), 'refused', 'it does not begin as gzip does'],
    ['hidden.csv', gzipSync('a\n1\n'), 'refused', 'Put .gz behind its name'],
    ['twice.parquet.gz', gzipSync('PAR1'), 'refused', 'Invalid file format'],
  ])('%s is refused, with why', async (name, bytes, status, message) => {
    await harness.put(`inbox/${name}.options.json`, options({ template: asking('{{ a }}') }));
    const batchId = await harness.drop(name, bytes);
    if (batchId !== null) await drive(harness, batchId);
    expect(await harness.status(name)).toMatchObject({
      status,
      first_error: { message: expect.stringContaining(message) },
    });
  });

  it('keeps its rows where a request cannot be made of some, or fails', async () => {
    const text = 'n,answer\n1,x\ntwo,y\n3\n4,[[refuse]]\n';
    const body = { ...asking('{{ answer }}').body, seed: '{{ n | as_number }}' };
    const batchId = await dropped('bad-rows.csv', text, { template: { body }, on_invalid_line: 'error_line' });
    await drive(harness, batchId);
    const { rows } = await query(
      await partsOf(batchId),
      (files) => `select * from read_csv('${files}', all_varchar = true)`,
    );
    expect(
      rows.map(({ n, answer, _error_code, _error_message }) => ({ n, answer, _error_code, _error_message })),
    ).toEqual([
      { n: '1', answer: 'x', _error_code: null, _error_message: null },
      { n: 'two', answer: 'y', _error_code: 'invalid_row', _error_message: "Row 2: column 'n': 'two' is no number." },
      {
        n: '3',
        answer: null,
        _error_code: 'invalid_row',
        _error_message: 'Row 3 has 1 cells, but the table has 2 columns.',
      },
      { n: '4', answer: '[[refuse]]', _error_code: expect.any(String), _error_message: expect.any(String) },
    ]);
    expect(rows[0]?.answer_2).toEqual(expect.any(String));
  });

  it('is the same in however many runs it was read and written', async () => {
    const text = `id,text\n${Array.from({ length: 450 }, (_, place) => `${place},"cell ${place}"\n`).join('')}`;
    const batchId = await dropped('runs.csv', text, { template: { ...asking('{{ text }}'), custom_id: '{{ id }}' } });
    await drive(harness, batchId, { context: shortTimes([3, 4]) });
    const parts = await partsOf(batchId);
    expect(parts.length).toBeGreaterThan(1);
    const { rows } = await query(
      parts,
      (files) => `select * from read_csv('${files}', all_varchar = true, filename = true) order by filename`,
    );
    expect(rows.map(({ id, text: cell, _custom_id }) => [id, cell, _custom_id])).toEqual(
      Array.from({ length: 450 }, (_, place) => [`${place}`, `cell ${place}`, `${place}`]),
    );
    // Made again in one part, as when lost results are read again, nothing is left of the others.
    await harness.services.records.updateBatch(batchId, (current) => {
      const reopened = beginRecollection(current, Math.floor(Date.now() / 1_000));
      return { ...reopened, recollection: reopened.recollection && { ...reopened.recollection, isOpen: true } };
    });
    await drive(harness, batchId, { context: shortTimes([1_000]) });
    pass(2);
    await sweepNow(harness);
    const again = await partsOf(batchId);
    expect(again.map(({ key }) => key)).toEqual([`results/${batchId}/table/part-00000.csv`]);
    expect(again[0]?.bytes.toString().match(/\n/g)).toHaveLength(451);
  });

  it('is sent again where it failed as the requests that were made of it', async () => {
    const sidecar = {
      template: asking('{{ b }}'),
      delimiter: ';',
      check: 'schema',
      answer: 'text',
      escape_formulas: true,
    };
    const batchId = await dropped('again.csv', 'a;b\n1;x\n2;[[refuse]]\n', sidecar);
    await drive(harness, batchId);
    const ended = await harness.batch(batchId);
    const retry = await as('api', () => retryBatch(harness.services, ended));
    await drive(harness, retry.id);
    expect(await harness.batch(retry.id)).toMatchObject({
      table: null,
      resultTable: null,
      counts: { total: 1, failed: 1 },
    });
  });

  it('is refused as a whole where its template names a column that it does not have', async () => {
    const batchId = await dropped('missing.csv', 'a,b\n1,2\n', { template: asking('{{ c }}') });
    await drive(harness, batchId);
    expect(await harness.status('missing.csv')).toMatchObject({
      status: 'failed',
      first_error: { code: 'invalid_template' },
    });
  });

  it('ends all the same where its table fails again and again, and says why', async () => {
    const batchId = await dropped('fails.csv', 'a\n1\n', { template: asking('{{ a }}') });
    const { objects } = harness.services;
    const writer = objects.writer.bind(objects);
    objects.writer = (key, more) => {
      if (key.includes(batchId) && key.endsWith('table.csv')) throw new Error('the disk is full');
      return writer(key, more);
    };
    try {
      await drive(harness, batchId);
    } finally {
      objects.writer = writer;
    }
    expect(await harness.status('fails.csv')).toMatchObject({
      status: 'completed',
      table: null,
      table_error: 'It was begun 3 times and never came further: the disk is full',
    });
  });

  it('costs what all sendings of a row cost', () => {
    const columns = resultColumns([], null, 'text');
    const values = new RowValues(harness.services, columns, [], { check: null, keepsInvalid: false });
    const sent = (round: number, usage: object) => {
      const keys = { linesKey: '', sentKey: null, indexKey: '' };
      const sums = { lineCount: 1, bytes: 1, estimatedTokens: 1 };
      const place = { batchId: 'batch_1', round, set: 'a', shard: 0, endpoint: '/v1/chat/completions' as const };
      const shard = newShard({ ...place, ...keys, ...sums, provider: 'openai', model: 'gpt-5-mini' });
      const choices = [{ message: { content: `round ${round}` }, finish_reason: 'stop' }];
      const response = { status_code: 200, body: { choices, usage } };
      return { shard, bytes: Buffer.from(JSON.stringify({ custom_id: 'a', response, error: null })) };
    };
    const first = sent(0, { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 });
    const second = sent(1, { prompt_tokens: 1_000, completion_tokens: 700, total_tokens: 1_700 });
    const costOf = (...results: (typeof first)[]) => Number(values.rowOf(null, results).values.at(-1));
    expect(costOf(first)).toBeGreaterThan(0);
    expect(costOf(second)).toBeGreaterThan(costOf(first));
    expect(costOf(first, second)).toBeCloseTo(costOf(first) + costOf(second), 9);
    expect(values.rowOf(null, [first, second]).values[0]).toBe('round 1');
  });

  it('ends all the same where the rows are gone before the results table is made', async () => {
    const batchId = await dropped('gone.csv', 'a\n1\n', { template: asking('{{ a }}') });
    const removeRows = async () => {
      const { table } = await harness.batch(batchId);
      if (table?.rows) await harness.services.objects.delete([table.rows.columnsKey]).catch(() => undefined);
      if (table?.rows)
        harness.services.objects.readText = withoutKey(
          harness.services.objects.readText.bind(harness.services.objects),
          table.rows.columnsKey,
        );
    };
    await drive(harness, batchId, { onTurn: removeRows });
    const status = await harness.status('gone.csv');
    expect(status).toMatchObject({
      status: 'completed',
      table: null,
      table_error: 'The rows of the table are not kept any more.',
    });
  });
});

/** The bucket's policies keep a step from deleting rows, so the object is hidden. */
function withoutKey(read: Harness['services']['objects']['readText'], gone: string): typeof read {
  return async (key, bucket) => (key === gone ? null : read(key, bucket));
}

describe('the answers of a table', () => {
  /** No number fits, so the simulator's does not. */
  const impossible = {
    type: 'object',
    properties: { n: { type: 'integer', not: { type: 'integer' } } },
    required: ['n'],
  };
  const asked = (schemaOf: object, more: object = {}) => ({
    custom_id: '{{ a }}',
    body: {
      ...asking('{{ a }}').body,
      ...more,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: schemaOf } },
    },
  });
  const rowsOf = async (batchId: string) =>
    (await query(await partsOf(batchId), (files) => `select * from read_csv('${files}', all_varchar = true)`)).rows;

  it('that do not fit their schema are errors of their rows, and counted', async () => {
    const batchId = await dropped('unfit.csv', 'a\nx\n[[decline]]\n', { template: asked(impossible) });
    await drive(harness, batchId);
    expect(await rowsOf(batchId)).toMatchObject([
      { a: 'x', n: null, _error_code: 'invalid_output', _error_message: expect.stringContaining('{"n":') },
      { a: '[[decline]]', n: null, _error_code: 'refused' },
    ]);
    const status = await harness.status('unfit.csv');
    expect(status).toMatchObject({ status: 'completed', request_counts: { completed: 2 }, invalid_outputs: 2 });
    expect(harness.events.at(-1)?.detail).toMatchObject({ invalid_outputs: 2 });
  });

  it('that were cut off say so', async () => {
    const text = { type: 'object', properties: { n: { type: 'string' } }, required: ['n'] };
    const batchId = await dropped('cut.csv', 'a\nx\n', { template: asked(text, { max_completion_tokens: 1 }) });
    await drive(harness, batchId);
    expect(await rowsOf(batchId)).toMatchObject([{ n: null, _error_code: 'truncated' }]);
  });

  it.each([
    [{ on_invalid_output: 'keep' }, 1],
    [{ check: 'none' }, null],
  ])('stand as they are with %j', async (more, count) => {
    const name = `kept-${count}.csv`;
    const batchId = await dropped(name, 'a\nx\n', { template: asked(impossible), ...more });
    await drive(harness, batchId);
    expect(await rowsOf(batchId)).toMatchObject([{ n: expect.stringMatching(/^-?\d+$/), _error_code: null }]);
    expect(await harness.status(name)).toMatchObject({ invalid_outputs: count });
  });

  it('to a schema with a pattern are not checked, which is said', async () => {
    const pattern = { type: 'object', properties: { n: { type: 'string', pattern: '^(?=a)' } }, required: ['n'] };
    const batchId = await dropped('pattern.csv', 'a\nx\n', { template: asked(pattern) });
    await drive(harness, batchId);
    expect(await harness.status('pattern.csv')).toMatchObject({
      invalid_outputs: null,
      unchecked: expect.stringContaining('it holds the pattern'),
    });
  });
});

describe('a file of requests', () => {
  it('may be compressed', async () => {
    const lines = ['a', 'b'].map((id) =>
      JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', ...asking(id) }),
    );
    const batchId = await harness.drop('packed.jsonl.gz', gzipSync(lines.join('\n')));
    await drive(harness, batchId ?? '');
    expect(await harness.status('packed.jsonl.gz')).toMatchObject({
      status: 'completed',
      request_counts: { total: 2, completed: 2 },
    });
    const unnamed = await harness.drop('unnamed.jsonl', gzipSync(lines.join('\n')));
    await drive(harness, unnamed ?? '');
    expect((await harness.status('unnamed.jsonl')).first_error?.message).toContain('is gzip: name it *.jsonl.gz');
  });
});

describe('the template of a drop', () => {
  it('may stand in the folder, and is frozen as it was', async () => {
    await harness.put('inbox/daily/_template.json', options(asking('{{ a }}')));
    const batchId = await harness.drop('daily/one.csv', 'a\nx\n');
    await harness.put('inbox/daily/_template.json', options(asking('{{ no_such }}')));
    await drive(harness, batchId ?? '');
    expect(await harness.status('daily/one.csv')).toMatchObject({ status: 'completed' });
    const { table } = await harness.batch(batchId ?? '');
    expect(table?.template.key).toBe(templateWorkKey(batchId ?? '', table?.template.sha256 ?? ''));
  });

  it('is waited for, and takes up the table when it comes', async () => {
    expect(await harness.drop('late/one.csv', 'a\nx\n')).toBeNull();
    expect(await harness.status('late/one.csv')).toMatchObject({
      status: 'waiting',
      first_error: { code: 'template_missing' },
    });
    const batchId = await harness.drop('late/one.csv.options.json', options({ template: asking('{{ a }}') }));
    await drive(harness, batchId ?? '');
    expect(await harness.status('late/one.csv')).toMatchObject({ status: 'completed' });
    expect(await harness.drop('later/one.csv', 'a\nx\n')).toBeNull();
    await harness.drop('later/_template.json', options(asking('{{ a }}')));
    expect(await harness.status('later/one.csv')).toMatchObject({ status: 'validating' });
  });

  it('that does not come within ten minutes refuses the table', async () => {
    expect(await harness.drop('never/one.csv', 'a\nx\n')).toBeNull();
    await sweepNow(harness);
    expect(await harness.status('never/one.csv')).toMatchObject({ status: 'waiting' });
    pass(11 * 60);
    await sweepNow(harness);
    expect(await harness.status('never/one.csv')).toMatchObject({
      status: 'refused',
      first_error: { code: 'template_missing' },
    });
  });

  it('makes rows of a .jsonl that comes with it, and of no other', async () => {
    const batchId = await dropped('rows.jsonl', '{"a":"x"}\n', { template: asking('{{ a }}') });
    await drive(harness, batchId);
    expect(await harness.status('rows.jsonl')).toMatchObject({
      status: 'completed',
      request_counts: { total: 1, completed: 1 },
    });
    await harness.put('inbox/mixed/_template.json', options(asking('{{ a }}')));
    const requests = await harness.drop('mixed/requests.jsonl', '{"a":"x"}\n');
    await drive(harness, requests ?? '');
    expect(await harness.status('mixed/requests.jsonl')).toMatchObject({ status: 'failed' });
  });

  it.each([
    [{ delimiter: ';' }, 'delimiter is for tables of text'],
    [{ answer: 'body' }, 'answer is of the results table'],
    [{ escape_formulas: true }, 'escape_formulas is for results tables of CSV alone'],
  ])('is what %j needs', async (sidecar, message) => {
    const name = `needs-${Object.keys(sidecar)[0]}.jsonl`;
    await harness.put(`inbox/${name}.options.json`, options(sidecar));
    expect(await harness.drop(name, '{"custom_id":"a"}\n')).toBeNull();
    expect((await harness.status(name)).first_error?.message).toContain(message);
  });

  it.each(['_SUCCESS', '.part-0.csv.crc', '_notes.csv'])('%s beside the tables is no input', async (name) => {
    expect(await harness.drop(`spark/${name}`, 'x')).toBeNull();
    expect(await harness.read(`status/spark/${name}.json`)).toBeNull();
  });
});
