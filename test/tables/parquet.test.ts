import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExact } from '../../lib/lines/exact-json.ts';
import { InvalidInputError } from '../../lib/records/errors.ts';
import { ParquetEncoder } from '../../lib/tables/parquet-encoder.ts';
import { physicalOf } from '../../lib/tables/parquet-physical.ts';
import { ParquetRows } from '../../lib/tables/parquet-rows.ts';
import type { KeptType } from '../../lib/tables/parquet-type.ts';
import { jsonOf } from '../../lib/tables/parquet-values.ts';
import { resultColumns } from '../../lib/tables/result-columns.ts';
import { cellText, type RowPosition, type TableRow, tableStart } from '../../lib/tables/row.ts';
import { runs } from '../seed.ts';
import { bytesInMemory, Duck } from './duckdb.ts';

let duck: Duck;

beforeAll(async () => {
  duck = await Duck.start();
});

afterAll(() => duck.stop());

/** A value of each type that DuckDB writes, the same as text, and what a template sees of it where that is another text. */
const values: Record<string, [sql: string, seen: string][]> = {
  yes: [
    ['true', 'true'],
    ['false', 'false'],
  ],
  i8: [
    ['(-128)::tinyint', '-128'],
    ['127::tinyint', '127'],
  ],
  i16: [
    ['(-32768)::smallint', '-32768'],
    ['1::smallint', '1'],
  ],
  i32: [
    ['(-2147483648)::integer', '-2147483648'],
    ['7::integer', '7'],
  ],
  i64: [
    ['(-9223372036854775808)::bigint', '-9223372036854775808'],
    ['9007199254740993::bigint', '9007199254740993'],
  ],
  u8: [
    ['255::utinyint', '255'],
    ['0::utinyint', '0'],
  ],
  u16: [
    ['65535::usmallint', '65535'],
    ['1::usmallint', '1'],
  ],
  u32: [
    ['4294967295::uinteger', '4294967295'],
    ['1::uinteger', '1'],
  ],
  u64: [
    ['18446744073709551615::ubigint', '18446744073709551615'],
    ['1::ubigint', '1'],
  ],
  d4: [
    ['-999.9::decimal(4,1)', '-999.9'],
    ['0.1::decimal(4,1)', '0.1'],
  ],
  d18: [
    ['12345678901234.5670::decimal(18,4)', '12345678901234.5670'],
    ['-0.0001::decimal(18,4)', '-0.0001'],
  ],
  d38: [
    ['12345678901234567890123456789012.345678::decimal(38,6)', '12345678901234567890123456789012.345678'],
    ['-1::decimal(38,6)', '-1.000000'],
  ],
  f32: [
    ['0.1::float', '0.1'],
    ["'-inf'::float", '-Infinity'],
  ],
  f64: [
    ['0.1::double', '0.1'],
    ["'nan'::double", 'NaN'],
  ],
  text: [
    ["'a ''quoted'' 😀'", "a 'quoted' 😀"],
    ["''", ''],
  ],
  bytes: [
    ["'\\xFF\\x00'::blob", '/wA='],
    ["''::blob", ''],
  ],
  id: [
    ["'01234567-89ab-cdef-0123-456789abcdef'::uuid", '01234567-89ab-cdef-0123-456789abcdef'],
    ["'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid", 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ],
  day: [
    ["'2026-02-28'::date", '2026-02-28'],
    ["'0044-03-15 (BC)'::date", '-000043-03-15'],
  ],
  clock: [
    ["'23:59:59.999999'::time", '23:59:59.999999'],
    ["'00:00:00'::time", '00:00:00'],
  ],
  ms: [
    ["'2026-11-30 12:34:56.789'::timestamp_ms", '2026-11-30T12:34:56.789'],
    ["'1969-12-31 23:59:59'::timestamp_ms", '1969-12-31T23:59:59'],
  ],
  us: [
    ["'1677-01-01 00:00:00.000001'::timestamp", '1677-01-01T00:00:00.000001'],
    ["'2026-11-30'::timestamp", '2026-11-30T00:00:00'],
  ],
  ns: [
    ["'2026-11-30 12:34:56.123456789'::timestamp_ns", '2026-11-30T12:34:56.123456789'],
    ["'1970-01-01'::timestamp_ns", '1970-01-01T00:00:00'],
  ],
  zoned: [
    ["'2026-11-30 12:00:00+02'::timestamptz", '2026-11-30T10:00:00Z'],
    ["'1900-01-01 00:00:00.5+00'::timestamptz", '1900-01-01T00:00:00.500000Z'],
  ],
};
/** What comes back as text or as JSON. */
const others: Record<string, [sql: string, seen: string][]> = {
  span: [
    ["interval '1 month 2 days 3.5 seconds'", 'P1M2DT3.5S'],
    ["interval '0 days'", 'P0M0DT0S'],
  ],
  mood: [
    ["'good'::enum ('good', 'bad')", 'good'],
    ["'bad'::enum ('good', 'bad')", 'bad'],
  ],
  list: [
    ['[1::bigint, null, 9007199254740993]', '[1,null,9007199254740993]'],
    ['[]::bigint[]', '[]'],
  ],
  deep: [
    ["[{'a': [1.5::decimal(9,2)], 'b': '2026-01-01'::date}]", '[{"a":[1.50],"b":"2026-01-01"}]'],
    ['[null]', '[null]'],
  ],
  struct: [
    ["{'x': 1, 'y.z': 'ü'}", '{"x":1,"y.z":"ü"}'],
    ["{'x': null, 'y.z': null}", '{"x":null,"y.z":null}'],
  ],
  named: [
    ["map {'k': 1, 'l': 2}", '{"k":1,"l":2}'],
    ['map([]::varchar[], []::integer[])', '{}'],
  ],
};

function tableOf(columns: Record<string, [sql: string, seen: string][]>): string {
  const select = (row: number) =>
    `select ${row} as n, ${Object.entries(columns)
      .map(([name, [first, second]]) => `${row === 0 ? first?.[0] : second?.[0]} as "${name}"`)
      .join(', ')}`;
  const nulls = Object.keys(columns)
    .map((name) => `null as "${name}"`)
    .join(', ');
  return `(${select(0)} union all by name ${select(1)} union all by name select 2 as n, ${nulls}) order by n`;
}

async function rowsOf(bytes: Buffer, wanted: readonly string[] | null = null): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  const parquet = await ParquetRows.open(bytesInMemory(bytes), wanted);
  for await (const read of parquet.read(tableStart)) rows.push(...read.rows);
  return rows;
}

/** The rows as a table of Parquet again, as Finalize writes it. */
async function writtenAgain(bytes: Buffer): Promise<Buffer> {
  const parquet = await ParquetRows.open(bytesInMemory(bytes), null);
  const columns = resultColumns(parquet.columns, null, 'text');
  const encoder = new ParquetEncoder({ columns, hasJsonRows: false, escapesFormulas: false });
  const pieces: Buffer[] = [];
  for await (const { rows } of parquet.read(tableStart))
    for (const { kept } of rows) {
      const input: unknown = parseExact(kept);
      if (!Array.isArray(input)) throw new Error(kept);
      pieces.push(
        encoder.add({ kept, input, values: columns.all.slice(input.length).map(() => null) }) ?? Buffer.alloc(0),
      );
    }
  return Buffer.concat([...pieces, encoder.finish()]);
}

describe('a Parquet file by DuckDB', () => {
  it.each(['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4', 'lz4_raw'])(
    'compressed by %s gives a text for each value',
    async (codec) => {
      const columns = { ...values, ...others };
      const rows = await rowsOf(await duck.parquet(tableOf(columns), `compression ${codec}`));
      expect(rows.map(({ number, problem }) => [number, problem])).toEqual([
        [1, null],
        [2, null],
        [3, null],
      ]);
      for (const [place, row] of rows.entries())
        expect(Object.fromEntries([...row.cells].slice(1).map(([name, value]) => [name, cellText(value)]))).toEqual(
          Object.fromEntries(Object.entries(columns).map(([name, pair]) => [name, pair[place]?.[1] ?? ''])),
        );
    },
  );

  it.each(['v1', 'v2'])('of version %s comes back with the same types and values', async (version) => {
    const bytes = await duck.parquet(tableOf(values), `parquet_version ${version}`);
    const before = await duck.put('before.parquet', bytes);
    const after = await duck.put('after.parquet', await writtenAgain(bytes));
    const own = '_custom_id, _error_code, _error_message, _model, _input_tokens, _output_tokens, _cost_usd, answer';
    const described = async (from: string) =>
      (await duck.rows(`describe ${from}`)).map(({ column_name, column_type }) => [column_name, column_type]);
    expect(await described(`select * exclude (${own}) from '${after}'`)).toEqual(await described(`from '${before}'`));
    const texts = (from: string) => duck.rows(`select columns(*)::varchar from (${from}) order by n`);
    expect(await texts(`select * exclude (${own}) from '${after}'`)).toEqual(await texts(`from '${before}'`));
    // A reader looks at the statistics of a column before its values.
    for (const condition of ['u32 > 4000000000', 'd38 < 0', "zoned < '1950-01-01'", 'u64 > 18446744073709551000'])
      expect(await duck.rows(`select n from '${after}' where ${condition}`)).toHaveLength(1);
  });

  it('says which columns come back as something else, and brings them as JSON and text', async () => {
    const bytes = await duck.parquet(tableOf(others));
    const { changedColumns } = await ParquetRows.open(bytesInMemory(bytes), null);
    expect(changedColumns.map(({ name }) => name)).toEqual(['span', 'list', 'deep', 'struct', 'named']);
    const after = await duck.put('after.parquet', await writtenAgain(bytes));
    expect((await duck.rows(`select * from '${after}' where n = 0`))[0]).toMatchObject({
      span: 'P1M2DT3.5S',
      mood: 'good',
      list: '[1,null,9007199254740993]',
      deep: '[{"a":[1.50],"b":"2026-01-01"}]',
    });
  });

  it('is the same in however many runs, whatever its groups and pages are', async () => {
    const count = 5_000;
    const query = `select i, case when i % 7 = 0 then null else 'text ' || (i % 13) end as some, 'own ' || i as own, [i, i + 1] as list from range(${count}) t(i)`;
    const files = await Promise.all(
      [2_048, 100_000].map((size) =>
        duck.parquet(query, `row_group_size ${size}, parquet_version v${size > 5_000 ? 2 : 1}`),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.integer({ min: 1, max: 6 }), async (bytes, pieces) => {
        const seen: string[] = [];
        let position: RowPosition = tableStart;
        for (let isAtEnd = false; !isAtEnd; ) {
          isAtEnd = true;
          let taken = 0;
          const parquet = await ParquetRows.open(bytesInMemory(bytes), null);
          for await (const { rows, next } of parquet.read(position)) {
            seen.push(...rows.map(({ number, kept }) => `${number} ${kept}`));
            position = next;
            taken += 1;
            if (taken < pieces) continue;
            isAtEnd = false;
            break;
          }
        }
        expect(seen).toEqual(
          Array.from({ length: count }, (_, i) => {
            const some = i % 7 === 0 ? null : `text ${i % 13}`;
            return `${i + 1} ${JSON.stringify([i, some, `own ${i}`, [i, i + 1]])}`;
          }),
        );
      }),
      { numRuns: runs(6) },
    );
  });

  it('has only those columns read that are wanted', async () => {
    const bytes = await duck.parquet(
      'select i, repeat(md5(i::varchar), 200) as long from range(4000) t(i)',
      'compression uncompressed',
    );
    const source = bytesInMemory(bytes);
    const parquet = await ParquetRows.open(source, ['i']);
    const rows: TableRow[] = [];
    for await (const read of parquet.read(tableStart)) rows.push(...read.rows);
    expect(rows.at(-1)?.kept).toBe('[3999]');
    expect(source.asked).toBeLessThan(bytes.length / 20);
    await expect(rowsOf(bytes, ['no'])).rejects.toThrow("The table has no column 'no'");
  });

  it('with a page that memory does not hold is refused, and says how to write it again', async () => {
    const small = Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'a', data: ['x'] }] }));
    // Behind the magic and the kind of the page its header has the size, zigzag and in groups of seven bits: here 200,000,000.
    const size = Buffer.from([0x80, 0x88, 0xde, 0xbe, 0x01]);
    expect(small[6]).toBe(0x15);
    const bytes = Buffer.concat([small.subarray(0, 7), size, small.subarray(8)]);
    await expect(rowsOf(bytes)).rejects.toThrow(
      /a page of it has \d+ bytes; at most 134217728 are held\. Write it with smaller row groups/,
    );
  });

  it('that has a row of more than a request may have is read, but for that row', async () => {
    const cells = [{ name: 'cell', data: ['x', 'x'.repeat(17_000_000), 'x'], encoding: 'PLAIN' as const }];
    const rows = await rowsOf(Buffer.from(parquetWriteBuffer({ columnData: cells, codec: 'UNCOMPRESSED' })));
    expect(rows.map(({ problem }) => problem?.message ?? null)).toEqual([
      null,
      'Row 2 has more than 16 MiB (16777216 bytes).',
      null,
    ]);
  });

  it('with texts that are no UTF-8 says so of their rows', async () => {
    const bytes = await duck.parquet("select 'plain text' as cell from range(2)", 'compression uncompressed');
    const at = bytes.indexOf('plain text');
    bytes[at] = 0xff;
    const [first] = await rowsOf(bytes);
    expect(first?.problem?.message).toBe("Row 1: column 'cell' holds a text that is not UTF-8.");
  });

  it('that was cut or changed is refused, or read as far as it says: nothing else happens', async () => {
    const bytes = await duck.parquet(tableOf({ ...values, ...others }), 'compression gzip');
    const read = async (changed: Buffer) => {
      try {
        await rowsOf(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidInputError);
      }
    };
    await expect(rowsOf(bytes.subarray(0, -1))).rejects.toThrow('does not end as a Parquet file does');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, byte, isCut) => {
        if (isCut) return read(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + byte)]));
        const changed = Buffer.from(bytes);
        changed[at] = byte;
        await read(changed);
      }),
      { numRuns: runs(300) },
    );
  });

  // Found by the property above: seed -220018597, a changed byte in the schema.
  it.each([-1, 5])('whose decimals have %s of four digits behind the point is refused', async (scale) => {
    const decimal = { name: 'price', type: 'INT32', converted_type: 'DECIMAL', precision: 4, scale } as const;
    const bytes = parquetWriteBuffer({
      columnData: [{ name: 'price', data: [1], encoding: 'PLAIN' }],
      schema: [
        { name: 'root', num_children: 1 },
        { ...decimal, repetition_type: 'REQUIRED' },
      ],
    });
    const reading = rowsOf(Buffer.from(bytes));
    await expect(reading).rejects.toBeInstanceOf(InvalidInputError);
    await expect(reading).rejects.toThrow(`a decimal has ${scale} of its 4 digits behind the point`);
  });

  // Found by the property above: seed -116317628, a size that is no 32 bit number any more.
  it('whose pages say their size in another type of number is refused', async () => {
    const bytes = Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'a', data: [1, 2], encoding: 'PLAIN' }] }));
    expect(bytes[6]).toBe(0x15);
    bytes[6] = 0x16;
    await expect(rowsOf(bytes)).rejects.toThrow("a page's header is wrong");
  });

  it('that is encrypted is refused as such', async () => {
    const bytes = await duck.parquet('select 1 as a');
    bytes.write('PARE', bytes.length - 4, 'latin1');
    await expect(rowsOf(bytes)).rejects.toThrow('The Parquet file is encrypted');
  });
});

describe('a value of Parquet', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const bytes = (length?: number) =>
    fc.uint8Array(length === undefined ? { maxLength: 40 } : { minLength: length, maxLength: length }).map(Buffer.from);
  const units = ['MILLIS', 'MICROS', 'NANOS'] as const;
  const perDay = { MILLIS: 86_400_000, MICROS: 86_400_000_000, NANOS: 86_400_000_000_000 };
  const isNumber = (value: Buffer) => ((value[1] ?? 0) & 0x7c) !== 0x7c;
  const kinds: [string, KeptType, fc.Arbitrary<unknown>][] = [
    ['boolean', { is: 'boolean' }, fc.boolean()],
    ...[true, false].flatMap((signed): [string, KeptType, fc.Arbitrary<unknown>][] => [
      [`integer of 32 bits, signed ${signed}`, { is: 'integer', bits: 32, signed }, int32],
      [`integer of 64 bits, signed ${signed}`, { is: 'integer', bits: 64, signed }, int64],
    ]),
    ...[0, 1, 9].flatMap((scale): [string, KeptType, fc.Arbitrary<unknown>][] => [
      [`decimal in INT32 of ${scale}`, decimal('INT32', null, scale), int32],
      [`decimal in INT64 of ${scale}`, decimal('INT64', null, scale), int64],
      [`decimal in 13 bytes of ${scale}`, decimal('FIXED_LEN_BYTE_ARRAY', 13, scale), bytes(13)],
    ]),
    ['half', { is: 'half' }, bytes(2).filter(isNumber)],
    ['float', { is: 'float' }, fc.float()],
    ['double', { is: 'double' }, fc.double()],
    ['date', { is: 'date' }, int32],
    ...units.flatMap((unit): [string, KeptType, fc.Arbitrary<unknown>][] => [
      [`timestamp in ${unit}`, { is: 'timestamp', unit, utc: unit === 'MICROS' }, int64],
      [
        `time in ${unit}`,
        { is: 'time', unit, utc: true },
        fc.integer({ min: 0, max: perDay[unit] - 1 }).map((value) => (unit === 'MILLIS' ? value : BigInt(value))),
      ],
    ]),
    ['text', { is: 'text', as: 'STRING' }, fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text))],
    ['uuid', { is: 'uuid' }, bytes(16)],
    ['bytes', { is: 'binary', length: null, as: null }, bytes()],
  ];

  function decimal(
    physical: 'INT32' | 'INT64' | 'FIXED_LEN_BYTE_ARRAY',
    length: number | null,
    scale: number,
  ): KeptType {
    return { is: 'decimal', physical, length, precision: 38, scale };
  }

  it.each(kinds)('%s is kept to the last bit', (_name, type, values) => {
    fc.assert(
      fc.property(values, (value) => {
        const kept = parseExact(JSON.stringify([jsonOf(value, type)]));
        const back = physicalOf(Array.isArray(kept) ? kept[0] : kept, type);
        expect(back instanceof Uint8Array ? Buffer.from(back) : back).toEqual(value);
      }),
      { numRuns: runs(100) },
    );
  });

  it('that is a time reads as Date has it', () => {
    const millis = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
    fc.assert(
      fc.property(millis, (value) => {
        const text = jsonOf(BigInt(value), { is: 'timestamp', unit: 'MILLIS', utc: true });
        expect(text).toBe(new Date(value).toISOString().replace('.000Z', 'Z'));
      }),
    );
  });
});
