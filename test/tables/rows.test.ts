import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../lib/records/errors.ts';
import { CsvRows } from '../../lib/tables/csv-rows.ts';
import { inputKind } from '../../lib/tables/input-kind.ts';
import { readJsonRows } from '../../lib/tables/json-rows.ts';
import { type RowPosition, type TableRow, tableStart } from '../../lib/tables/row.ts';
import { runs } from '../seed.ts';

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const quoted = (cells: readonly string[], delimiter: string) =>
  cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter);

/** Reads a table in runs that end after so many pieces each. */
async function rowsOf(text: string | Buffer, { chunk = 7, delimiter = ',', pieces = Number.POSITIVE_INFINITY } = {}) {
  const bytes = Buffer.from(text);
  const rows: TableRow[] = [];
  let position: RowPosition = tableStart;
  let columns: readonly string[] | null = null;
  for (let isAtEnd = false; !isAtEnd; ) {
    const csv = new CsvRows({ delimiter, columns: null });
    const start = columns && position.byteOffset > 0 ? { position, columns } : null;
    isAtEnd = true;
    let taken = 0;
    for await (const read of csv.read(inChunks(bytes.subarray(position.byteOffset), chunk), start)) {
      rows.push(...read.rows);
      position = read.next;
      columns = csv.columns;
      taken += 1;
      if (taken === pieces) {
        isAtEnd = false;
        break;
      }
    }
  }
  return { rows, columns };
}

describe('a table of text', () => {
  it('gives the cells that went in, in however many runs', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.constantFrom('', '"', 'a\nb', ',', '\t', '\r\n', '😀', '=1+1'),
    );
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(',', '\t', ';'),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (cells, delimiter, chunk, pieces) => {
          const text = [['id', 'Review Text'], ...cells].map((row) => `${quoted(row, delimiter)}\n`).join('');
          const { rows, columns } = await rowsOf(text, { chunk, delimiter, pieces });
          expect(columns).toEqual(['id', 'Review Text']);
          expect(rows.map(({ cells: read }) => [...read.values()])).toEqual(cells);
          expect(rows.map(({ number }) => number)).toEqual(cells.map((_, place) => place + 1));
          expect(rows.map(({ kept }) => JSON.parse(kept))).toEqual(cells);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  it('with a byte order mark, CRLF, blank lines and no last newline is read', async () => {
    const { rows, columns } = await rowsOf('\uFEFFid,text\r\n1,"a\r\nb"\r\n\r\n2,c');
    expect(columns).toEqual(['id', 'text']);
    expect(rows.map(({ kept }) => kept)).toEqual(['["1","a\\r\\nb"]', '["2","c"]']);
  });

  it('calls columns without a name by their place', async () => {
    expect((await rowsOf(',review, \n0,good,x\n')).columns).toEqual(['column_1', 'review', 'column_3']);
  });

  it('keeps a ragged row, with what is wrong with it', async () => {
    const { rows } = await rowsOf('a,b\n1\n1,2\n1,2,3\n');
    expect(rows.map(({ problem }) => problem?.message ?? null)).toEqual([
      'Row 1 has 1 cells, but the table has 2 columns.',
      null,
      'Row 3 has 3 cells, but the table has 2 columns. Beyond them: ["3"]',
    ]);
  });

  it.each([
    ['two columns of one name', 'a,b,a\n1,2,3\n', "Columns 1 and 3 are both called 'a'"],
    ['a quote that is not closed', 'a,b\n1,"2\n3,4\n', 'Row 1 cannot be read'],
    ['a quote within a cell', 'a,b\n1,2\n3,"4"5\n', 'Row 2 cannot be read'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('a\nx\n'), Buffer.from([0xe4, 0x0a])]),
      'bytes that are not UTF-8',
    ],
  ])('with %s is refused', async (_what, text, message) => {
    await expect(rowsOf(text)).rejects.toThrow(InvalidInputError);
    await expect(rowsOf(text)).rejects.toThrow(message);
  });

  it('with two columns of one name is refused where an option names them, too', async () => {
    const csv = new CsvRows({ delimiter: ',', columns: ['a', 'b', 'a'] });
    const reading = Array.fromAsync(csv.read(inChunks(Buffer.from('1,2,3\n'), 4), null));
    await expect(reading).rejects.toThrow("Columns 1 and 3 are both called 'a'");
  });
});

describe('JSON rows', () => {
  it('are kept as they stand, numbers included', async () => {
    const text = '\uFEFF{"a": 1.0, "b": 12345678901234567890}\n\n[1]\n{"a":"x"}';
    const rows: TableRow[] = [];
    for await (const read of readJsonRows(inChunks(Buffer.from(text), 5), tableStart)) rows.push(...read.rows);
    expect(rows.map(({ number, kept }) => [number, kept])).toEqual([
      [1, '{"a": 1.0, "b": 12345678901234567890}'],
      [2, '{}'],
      [3, '{"a":"x"}'],
    ]);
    expect(rows[1]?.problem?.message).toBe('Row 2 is no JSON object.');
  });
});

describe('first bytes decide what an input is', () => {
  it.each([
    ['x.jsonl', '{"custom_id":"a"}', false, 'requests'],
    ['x.jsonl', '{"a":1}', true, 'json'],
    ['x.rows.jsonl', '{"a":1}', false, 'json'],
    ['x.ndjson', '\uFEFF {"a":1}', false, 'json'],
    ['x.csv', 'a,b', false, 'csv'],
    ['x.csv', '{a},b', false, 'csv'],
    ['x.TSV', 'a\tb', false, 'tsv'],
    ['x', '{"custom_id":"a"}', false, 'requests'],
    ['x', 'a\tb', false, 'tsv'],
    ['x', 'a,b', true, 'csv'],
  ])('%s that begins with %s (template: %s) is %s', (name, head, hasTemplate, kind) => {
    expect(inputKind(name, Buffer.from(head), hasTemplate)).toBe(kind);
  });

  it.each([
    ['x.csv', Buffer.from('PAR1....'), 'Apache Parquet'],
    ['x.csv', Buffer.from([0x1f, 0x8b, 8]), 'compressed by gzip'],
    ['x.csv', Buffer.from('PK\u0003\u0004'), 'Excel'],
    ['x.csv', Buffer.from([0xff, 0xfe, 0x61, 0]), 'UTF-16'],
    ['x.csv', Buffer.from('{"a":1}\n'), 'JSON lines'],
    ['x.ndjson', Buffer.from('a,b'), 'does not begin with a JSON object'],
    ['x.xlsx', Buffer.from('a,b'), 'another extension'],
    ['x.csv', Buffer.alloc(0), 'empty'],
  ])('%s that is %j is refused', (name, head, message) => {
    expect(() => inputKind(name, head, false)).toThrow(message);
  });
});
