import type { z } from 'zod';
import { answerSchemaOf } from '../lines/answer-schema.ts';
import { answerText, verdictOn } from '../lines/verdict.ts';
import type { Warning } from '../providers/contract.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { isObject } from '../records/json.ts';
import type { LineError } from '../records/openai-batch.ts';
import type { TableRow } from '../tables/row.ts';
import type { RowTemplate } from '../tables/template.ts';
import { schemaMembers } from './answer-schema.ts';
import type { Answer } from './answers.ts';
import type { RequestError } from './errors.ts';
import { exactJson } from './json-values.ts';
import { assertKnownOptions } from './known-options.ts';
import { assertNoDryRun, routedByModel } from './model-target.ts';
import { failure } from './result.ts';
import { Run, type SettledRequest } from './run.ts';
import { assertBatchOptions, type SubmissionOptions, submissionOptionNames } from './submission.ts';
import { type TargetOptions, targetOptionNames } from './target.ts';
import { assertWaitOptions, Patience, type WaitOptions, waitOptionNames } from './wait.ts';

/** A request whose texts hold placeholders for columns: `body` in OpenAI's form, or `params` in Anthropic's. */
export interface TableTemplate {
  /** Default: `row-1`, `row-2` and so on. */
  custom_id?: string;
  method?: 'POST';
  /** Default: the option `endpoint`, or chat completions where the body has messages. */
  url?: Endpoint;
  body?: object;
  params?: object;
}

/** How to ask something of each row. */
export interface RunTableOptions<Row extends object> extends TargetOptions, SubmissionOptions, WaitOptions {
  /** Objects whose members are the columns; read once. */
  rows: Iterable<Row> | AsyncIterable<Row>;
  template: TableTemplate;
  /** What each answer must be; sent as the request's own schema of answers. Default: the schema that the template has. */
  schema?: z.ZodType;
  /** What a row does of which no request can be made: fail the run before anything is sent, or become an error of its own. Default: `fail`. */
  onInvalidRow?: 'fail' | 'error';
}

const runTableOptionNames = {
  ...targetOptionNames,
  ...submissionOptionNames,
  ...waitOptionNames,
  rows: true,
  template: true,
  schema: true,
  onInvalidRow: true,
} as const satisfies Record<keyof RunTableOptions<object>, true>;

/**
 * A row with its answer: its JSON where a schema says what it is, else its text. A row without a usable answer has an error; its code is
 * `invalid_output`, `refused` or `truncated` where the model answered otherwise than it was asked, and `invalid_row` where nothing was sent.
 */
export type TableResult<Row extends object, Parsed = unknown> = {
  row: Row;
  /** Null for a row of which no request was made. */
  customId: string | null;
  /** Parameters of its request that the provider cannot take. */
  warnings: Warning[];
} & (
  | { succeeded: true; answer: Parsed; response: Answer; error: null }
  | { succeeded: false; answer: null; response: null; error: RequestError }
);

/**
 * Asks something of each row of a table, as one batch, and gives the rows with their answers, in their order.
 *
 * An AbortSignal or the timeout cancels the provider's batch.
 *
 * @throws InvalidInputError `invalid_template`, and with every row of which no request can be made; its line is the row's place, from 1.
 * @throws TimeoutError, AbortError after cancelling.
 * @throws BatchFailedError where the provider failed the batch as a whole.
 * @throws what createBatch throws.
 */
export async function runTable<Row extends object, Schema extends z.ZodType>(
  options: RunTableOptions<Row> & { schema: Schema },
): Promise<TableResult<Row, z.output<Schema>>[]>;
export async function runTable<Row extends object>(options: RunTableOptions<Row>): Promise<TableResult<Row>[]>;
export async function runTable<Row extends object>(options: RunTableOptions<Row>): Promise<TableResult<Row>[]> {
  assertKnownOptions(options, runTableOptionNames);
  assertBatchOptions(options);
  assertWaitOptions(options);
  assertNoDryRun(options);
  const { rows, template: given, schema, onInvalidRow = 'fail', endpoint, completionWindow: _only, ...rest } = options;
  assertRows(rows);
  if (onInvalidRow !== 'fail' && onInvalidRow !== 'error')
    throw new InvalidInputError('invalid_option', `onInvalidRow is 'fail' or 'error'.`, { param: 'onInvalidRow' });
  const { template, body } = await templateFrom(given, schema, endpoint);
  const problemOf = await checkOf(body, schema);
  const table = new AskedTable(rows, template, onInvalidRow);
  const patience = new Patience(options);
  try {
    const { model } = body;
    const routed = typeof model === 'string' && !model.includes('{{') ? routedByModel(model, rest) : rest;
    const run = new Run((customId) => table.placeOf(customId), { ...routed, endpoint: template.endpoint }, patience);
    const settled = await run.settle({ bytes: table.lines(), count: () => table.count });
    return table.results(settled, problemOf);
  } finally {
    patience.stop();
  }
}

function assertRows(rows: unknown): void {
  const isIterable =
    typeof rows === 'object' && rows !== null && (Symbol.iterator in rows || Symbol.asyncIterator in rows);
  if (!isIterable)
    throw new InvalidInputError('invalid_request', 'rows is an array, or another iterable, of objects.', {
      param: 'rows',
    });
}

async function templateFrom(given: TableTemplate, schema: z.ZodType | undefined, endpoint: Endpoint | undefined) {
  // Liquid is loaded by those who have a table.
  const { compileTemplate } = await import('../tables/template.ts');
  const copy: unknown = JSON.parse(exactJson(given));
  if (!isObject(copy))
    throw new InvalidInputError('invalid_template', 'The template is an object: a request with placeholders.', {
      param: 'template',
    });
  const key = isObject(copy.params) ? 'params' : 'body';
  const asked = copy[key];
  const body = isObject(asked) ? asked : {};
  if (schema) Object.assign(body, await schemaMembers(schema, compileTemplate(copy, endpoint).endpoint));
  return { template: compileTemplate(copy, endpoint), body };
}

/** Reads an answer's text, or says what is wrong with it. */
type ReadAnswer = (text: string) => { answer: unknown } | { problem: string };

/** @returns null where answers are texts of any kind. */
async function checkOf(body: Record<string, unknown>, schema: z.ZodType | undefined): Promise<ReadAnswer | null> {
  if (schema) return readJson((value) => byZod(value, schema));
  const stated = answerSchemaOf(body);
  if (stated === null) return null;
  const { compileCheck } = await import('../tables/schema-check.ts');
  const check = compileCheck(stated);
  return readJson((value) => {
    const problem = 'problemOf' in check ? check.problemOf(value) : null;
    return problem === null ? { answer: value } : { problem };
  });
}

function readJson(read: (value: unknown) => ReturnType<ReadAnswer>): ReadAnswer {
  return (text) => {
    try {
      return read(JSON.parse(text));
    } catch (error) {
      return { problem: `it is no JSON (${messageOf(error)})` };
    }
  };
}

function byZod(value: unknown, schema: z.ZodType): ReturnType<ReadAnswer> {
  const read = schema.safeParse(value);
  if (read.success) return { answer: read.data };
  const [issue] = read.error.issues;
  return { problem: `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'invalid'}` };
}

/** What of a table was sent. */
interface AskedRow<Row> {
  row: Row;
  /** Place among the requests; null where no request was made. */
  place: number | null;
  problem: string | null;
}

const maxErrors = 100;

/** The rows of one run, and which request is which row's. */
class AskedTable<Row extends object> {
  readonly #rows: Iterable<Row> | AsyncIterable<Row>;
  readonly #template: RowTemplate;
  readonly #onInvalidRow: 'fail' | 'error';
  readonly #asked: AskedRow<Row>[] = [];
  readonly #places = new Map<string, number>();
  readonly #ids: string[] = [];

  constructor(rows: Iterable<Row> | AsyncIterable<Row>, template: RowTemplate, onInvalidRow: 'fail' | 'error') {
    this.#rows = rows;
    this.#template = template;
    this.#onInvalidRow = onInvalidRow;
  }

  get count(): number {
    return this.#ids.length;
  }

  /** An id that nobody asked for is of no row. */
  placeOf(customId: string): number {
    return this.#places.get(customId) ?? Number.POSITIVE_INFINITY;
  }

  /** @throws InvalidInputError with every row of which no request can be made, where that fails the run. */
  async *lines(): AsyncGenerator<Uint8Array> {
    const errors: LineError[] = [];
    for await (const row of this.#rows) {
      const number = this.#asked.length + 1;
      const rendered = this.#template.render(tableRowOf(row, number));
      if ('problem' in rendered) {
        this.#asked.push({ row, place: null, problem: rendered.problem.message });
        if (errors.length < maxErrors) errors.push({ ...rendered.problem, line: number });
      } else {
        this.#asked.push({ row, place: this.count, problem: null });
        this.#note(rendered.bytes);
        yield Buffer.concat([rendered.bytes, newline]);
      }
    }
    const [first] = errors;
    if (first && this.#onInvalidRow === 'fail')
      throw new InvalidInputError(first.code, first.message, { errors, ...(first.param && { param: first.param }) });
  }

  #note(line: Buffer): void {
    const request: unknown = JSON.parse(line.toString('utf8'));
    const id = isObject(request) ? String(request.custom_id) : '';
    this.#places.set(id, this.count);
    this.#ids.push(id);
  }

  results(settled: readonly SettledRequest[], read: ReadAnswer | null): TableResult<Row>[] {
    return this.#asked.map(({ row, place, problem }) => {
      const one = place === null ? undefined : settled[place];
      const customId = place === null ? null : (this.#ids[place] ?? null);
      const shared = { row, customId, warnings: one?.warnings ?? [] };
      if (!one) {
        const details = { code: 'invalid_row', statusCode: null, body: null };
        return { ...shared, answer: null, ...failure(problem ?? 'The row was not sent.', details) };
      }
      return { ...shared, ...answered(one.outcome, read) };
    });
  }
}

const newline = Buffer.from('\n');

function answered(outcome: SettledRequest['outcome'], read: ReadAnswer | null) {
  if (!outcome.succeeded) return { ...outcome, answer: null };
  if (!read) return { ...outcome, answer: answerText(outcome.response) };
  const answers: unknown[] = [];
  const verdict = verdictOn(outcome.response, (text) => {
    const found = read(text);
    if ('problem' in found) return found.problem;
    answers.push(found.answer);
    return null;
  });
  if (verdict.usable) return { ...outcome, answer: answers[0] ?? null };
  const message = `The answer cannot be used: ${verdict.message}.`;
  return { ...failure(message, { code: verdict.code, statusCode: 200, body: outcome.response }), answer: null };
}

/** @returns the row as the template sees it: an own member is a column. */
function tableRowOf(row: unknown, number: number): TableRow {
  const shared = { number, kept: '' };
  if (!isObject(row)) {
    const problem = { code: 'invalid_row', message: `Row ${number} is no object.`, param: null };
    return { ...shared, cells: new Map(), problem };
  }
  const cells = new Map<string, unknown>();
  for (const [name, value] of Object.entries(row)) {
    const cell = cellOf(value);
    if (cell instanceof TypeError)
      return {
        ...shared,
        cells,
        problem: { code: 'invalid_row', message: `Row ${number}: column '${name}': ${cell.message}.`, param: name },
      };
    cells.set(name, cell);
  }
  return { ...shared, cells, problem: null };
}

/** A value of a program, as a file has it: times in ISO 8601, BigInts with all their digits, bytes as base64. */
function cellOf(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? new TypeError('it is no time') : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object')
    return typeof value === 'function' || typeof value === 'symbol' ? noJson(value) : value;
  try {
    exactJson(value);
    return value;
  } catch (error) {
    return new TypeError(messageOf(error));
  }
}

function noJson(value: unknown): TypeError {
  return new TypeError(`it is a ${typeof value}`);
}
