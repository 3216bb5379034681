import type { BatchRecord, TableInput } from '../../records/batch.ts';
import { isObject } from '../../records/json.ts';
import { prepareWorkKey } from '../../records/object-keys.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import { invalidTable } from '../../tables/csv-rows.ts';
import { widened } from '../../tables/json-type.ts';
import type { ChangedColumn } from '../../tables/parquet-rows.ts';
import { type Column, maxColumns, type RowPosition, type TableRow } from '../../tables/row.ts';
import type { TableBytes } from '../../tables/table-bytes.ts';
import { type MadeLines, TableReader } from '../../tables/table-reader.ts';
import { compileTemplate, type RowTemplate } from '../../tables/template.ts';
import type { TableDescription } from '../table-description.ts';
import type { TableState } from './table-state.ts';

/** Makes request lines of a table's rows, and keeps the rows as they were read. */
export class TableLines {
  readonly #objects: Objects;
  readonly #batch: Pick<BatchRecord, 'id' | 'options'>;
  readonly #table: TableInput;
  readonly #token: string;
  readonly #template: RowTemplate;
  readonly #parts: TableState['parts'];
  #columns: Column[] | null;
  readonly #known: Map<string, Column>;
  readonly #reader: TableReader;
  #writer: ObjectWriter | undefined;

  private constructor(
    objects: Objects,
    batch: Pick<BatchRecord, 'id' | 'options'>,
    table: TableInput,
    token: string,
    { template, state }: { template: RowTemplate; state: TableState | null },
  ) {
    this.#objects = objects;
    this.#batch = batch;
    this.#table = table;
    this.#token = token;
    this.#template = template;
    this.#columns = state?.columns ?? null;
    this.#known = new Map(this.#columns?.map((column) => [column.name, column]));
    this.#parts = [...(state?.parts ?? [])];
    const { delimiter, columns } = batch.options;
    const known = table.kind === 'json' ? null : this.#columns;
    this.#reader = new TableReader({ kind: table.kind, delimiter, columns }, template, known);
  }

  /** @param token the run's own. */
  static async open(
    objects: Objects,
    batch: Pick<BatchRecord, 'id' | 'options'>,
    table: TableInput,
    token: string,
    state: TableState | null,
  ): Promise<TableLines> {
    const template = await readTemplate(objects, table, batch);
    return new TableLines(objects, batch, table, token, { template, state });
  }

  /** Columns that the results table, if it is Parquet, cannot declare as the input does. */
  get changedColumns(): readonly ChangedColumn[] {
    return this.#reader.changedColumns;
  }

  /** Whether it is not read from its first byte to its last. */
  get isReadInPlaces(): boolean {
    return this.#table.kind === 'parquet';
  }

  /**
   * Makes the lines from a row on. What it gave is kept once the next is asked for.
   *
   * @throws InvalidInputError `invalid_table`, `invalid_template`
   */
  async *lines(source: TableBytes, position: RowPosition): AsyncGenerator<MadeLines> {
    for await (const made of this.#reader.read(source, position)) {
      yield made;
      await this.#keep(made.rows);
    }
  }

  /** As `lines`, for lines that were made before. */
  linesAgain(source: TableBytes, position: RowPosition): AsyncGenerator<MadeLines> {
    return this.#reader.read(source, position);
  }

  async #keep(rows: readonly TableRow[]): Promise<void> {
    if (rows.length === 0) return;
    if (this.#table.kind === 'json') for (const row of rows) this.#takeJsonColumns(row);
    this.#writer ??= this.#objects.writer(prepareWorkKey(this.#batch.id, this.#token, 'rows.jsonl'));
    const pending = this.#writer.write(Buffer.from(rows.map(({ kept }) => `${kept}\n`).join('')));
    if (pending) await pending;
  }

  /** Columns of JSON rows are those that any row has, in the order in which they came. */
  #takeJsonColumns({ cells }: TableRow): void {
    this.#columns ??= [];
    for (const [name, value] of cells) {
      const known = this.#known.get(name);
      if (known) known.type = widened(known.type, value);
      else {
        if (this.#known.size >= maxColumns)
          throw invalidTable(`The rows have more than ${maxColumns} different columns.`);
        const column: Column = { name, type: widened('unknown', value) };
        this.#known.set(name, column);
        this.#columns.push(column);
      }
    }
  }

  /** Ends this run's part for another run to go on. */
  async checkpoint(): Promise<TableState> {
    await this.#endPart();
    return { columns: this.#allColumns(), parts: this.#parts };
  }

  /** Ends the table: from now on a record may name its rows. */
  async finish(): Promise<TableInput> {
    await this.#endPart();
    const columnsKey = prepareWorkKey(this.#batch.id, this.#token, 'columns.json');
    const description: TableDescription = {
      columns: this.#allColumns() ?? [],
      answerSchema: this.#template.answerSchema,
    };
    await this.#objects.putText(columnsKey, JSON.stringify(description));
    return { ...this.#table, rows: { columnsKey, parts: this.#parts } };
  }

  #allColumns(): Column[] | null {
    if (this.#table.kind === 'json') return this.#columns;
    return this.#reader.columns && [...this.#reader.columns];
  }

  async #endPart(): Promise<void> {
    const written = await this.#writer?.close();
    this.#writer = undefined;
    if (written) this.#parts.push({ key: written.key, bytes: written.bytes });
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
  }
}

async function readTemplate(
  objects: Objects,
  { template: { key } }: TableInput,
  { options }: Pick<BatchRecord, 'options'>,
): Promise<RowTemplate> {
  const stored = await objects.readText(key);
  if (!stored) throw new Error(`The template ${key} is gone.`);
  const template: unknown = JSON.parse(stored.text);
  if (!isObject(template)) throw new Error(`The template ${key} is no JSON object.`);
  return compileTemplate(template, options.endpoint);
}
