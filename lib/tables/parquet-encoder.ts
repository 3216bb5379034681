import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { numberFrom } from '../lines/exact-json.ts';
import { declaredElement, physicalElement, physicalOf } from './parquet-physical.ts';
import type { KeptType } from './parquet-type.ts';
import type { ResultColumn, ValueType } from './result-columns.ts';
import { cellText } from './row.ts';
import type { ResultRow, TableEncoder, TableForm } from './table-encoder.ts';

/** A row group ends at so many rows, or so many characters: what memory holds of it is a few times that. */
const maxGroupRows = 20_000;
const maxGroupCharacters = 16 * 1024 * 1024;

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** Apache Parquet, a row group at a time. */
export class ParquetEncoder implements TableEncoder {
  readonly #columns: readonly ResultColumn[];
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  #values: unknown[][];
  #rows = 0;
  #characters = 0;

  constructor({ columns }: TableForm) {
    this.#columns = columns.all;
    this.#values = this.#columns.map(() => []);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaOf(this.#columns, writtenAs, physicalElement),
    });
  }

  add({ input, values }: ResultRow): Buffer | null {
    const row = [...input, ...values];
    for (const [place, { type, parquet }] of this.#columns.entries()) {
      const value = parquet ? physicalOf(row[place], parquet) : physicalValue(row[place], type);
      this.#values[place]?.push(value);
      if (typeof value === 'string' || Buffer.isBuffer(value)) this.#characters += value.length;
    }
    this.#rows += 1;
    return this.#rows < maxGroupRows && this.#characters < maxGroupCharacters ? null : this.#endGroup();
  }

  finish(): Buffer {
    const last = this.#rows > 0 ? this.#endGroup() : Buffer.alloc(0);
    // The footer says what the bytes are.
    this.#writer.schema = schemaOf(this.#columns, declaredAs, declaredElement);
    this.#writer.finish();
    return Buffer.concat([last, this.#taken()]);
  }

  #endGroup(): Buffer {
    const columnData = this.#columns.map(({ name, parquet }, place) => {
      const data = this.#values[place] ?? [];
      // The writer orders the values as they lie there, which is not always the order of what they mean.
      return { name, data, statistics: parquet === undefined };
    });
    this.#writer.write({ columnData, rowGroupSize: this.#rows });
    this.#values = this.#columns.map(() => []);
    this.#rows = 0;
    this.#characters = 0;
    return this.#taken();
  }

  /** The writer goes on behind what is taken: its offset counts from the file's start. */
  #taken(): Buffer {
    const taken = Buffer.from(this.#bytes.getBytes());
    this.#bytes.index = 0;
    return taken;
  }
}

type Elements = Readonly<Record<ValueType, Omit<Schema[number], 'name'>>>;

/** JSON is bytes of ours: the writer's own conversion would lose the spelling of numbers. */
const writtenAs: Elements = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
};

const declaredAs: Elements = { ...writtenAs, json: { type: 'BYTE_ARRAY', converted_type: 'JSON' } };

function schemaOf(
  columns: readonly ResultColumn[],
  elements: Elements,
  elementOf: (type: KeptType) => Omit<Schema[number], 'name'>,
): Schema {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type, parquet }) => ({
      name,
      repetition_type: 'OPTIONAL' as const,
      ...(parquet ? elementOf(parquet) : elements[type]),
    })),
  ];
}

/** A value that is not of its column's type, which an answer may have, is null: the checks of answers say so. */
function physicalValue(value: unknown, type: ValueType): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'text':
      return cellText(value);
    case 'json':
      return Buffer.from(JSON.stringify(value));
    case 'integer':
      return integerOf(value);
    case 'number':
      return numberFrom(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
  }
}

function integerOf(value: unknown): bigint | null {
  const text = typeof value === 'string' ? '' : cellText(value);
  if (!/^-?\d+(?:\.0+)?$/.test(text)) return null;
  const integer = BigInt(text.replace(/\.0+$/, ''));
  return BigInt.asIntN(64, integer) === integer ? integer : null;
}
