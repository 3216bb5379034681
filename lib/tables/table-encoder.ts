import type { OutputFormat } from '../records/table-kind.ts';
import type { ResultColumns } from './result-columns.ts';
import { cellText } from './row.ts';

/** A row of the results table. */
export interface ResultRow {
  /** The input's row as it was kept: an array of texts, or a JSON object in its own spelling; null where there is none. */
  kept: string | null;
  /** Values of the input's columns. */
  input: readonly unknown[];
  /** Values of the answer's columns and of our own, in the columns' order. */
  values: readonly unknown[];
}

/** Writes a file of rows, piece by piece. */
export interface TableEncoder {
  /** @returns bytes that are done. */
  add(row: ResultRow): Buffer | null;
  /** Ends the file. */
  finish(): Buffer;
}

/** How a results table is written. */
export interface TableForm {
  columns: ResultColumns;
  /** Whether the input's rows are JSON objects. */
  hasJsonRows: boolean;
  escapesFormulas: boolean;
}

export const contentTypes = {
  csv: 'text/csv',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const satisfies Record<OutputFormat, string>;

/** CSV by RFC 4180 with a header. Null is nothing, and an empty text is `""`. */
export class CsvEncoder implements TableEncoder {
  readonly #escapesFormulas: boolean;
  #begun: string;

  constructor({ columns, escapesFormulas }: TableForm) {
    this.#escapesFormulas = escapesFormulas;
    this.#begun = this.#lineOf(columns.all.map(({ name }) => name));
  }

  add({ input, values }: ResultRow): Buffer {
    const line = this.#begun + this.#lineOf(input, values);
    this.#begun = '';
    return Buffer.from(line);
  }

  finish(): Buffer {
    const rest = this.#begun;
    this.#begun = '';
    return Buffer.from(rest);
  }

  #lineOf(input: readonly unknown[], values: readonly unknown[] = []): string {
    return `${[...input, ...values].map((value) => this.#cellOf(value)).join(',')}\n`;
  }

  #cellOf(value: unknown): string {
    if (value === null || value === undefined) return '';
    const text = cellText(value);
    const safe = this.#escapesFormulas && typeof value === 'string' && isFormula(text) ? `'${text}` : text;
    return safe === '' || /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }
}

/** What a spreadsheet would compute. Source: https://owasp.org/www-community/attacks/CSV_Injection */
function isFormula(text: string): boolean {
  return /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(?:\.\d+)?$/.test(text);
}

/** A JSON object a line. A row that was JSON stands there as it was, and ours follows. */
export class JsonLinesEncoder implements TableEncoder {
  readonly #form: TableForm;
  readonly #names: readonly string[];

  constructor(form: TableForm) {
    const { answer, own } = form.columns;
    this.#form = form;
    this.#names = [...answer, ...own].map(({ name }) => JSON.stringify(name));
  }

  add({ kept, input, values }: ResultRow): Buffer {
    const ours = values.map((value, place) => `${this.#names[place]}:${JSON.stringify(value ?? null)}`).join(',');
    const theirs = this.#form.hasJsonRows ? membersIn(kept) : this.#membersOf(input);
    return Buffer.from(`{${theirs}${theirs === '' || ours === '' ? '' : ','}${ours}}\n`);
  }

  finish(): Buffer {
    return Buffer.alloc(0);
  }

  #membersOf(input: readonly unknown[]): string {
    const { input: columns } = this.#form.columns;
    return columns
      .map(({ name }, place) => `${JSON.stringify(name)}:${JSON.stringify(input[place] ?? null)}`)
      .join(',');
  }
}

/** What stands between the braces of an object. */
function membersIn(object: string | null): string {
  return object === null ? '' : object.slice(object.indexOf('{') + 1, object.lastIndexOf('}')).trim();
}
