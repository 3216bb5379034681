import { parseExact } from '../../lib/lines/exact-json.ts';
import { objectFrom } from '../../lib/lines/foreign-json.ts';
import { splitLines } from '../../lib/lines/jsonl.ts';
import { outcomeOf } from '../../lib/lines/result-outcome.ts';
import { answerText } from '../../lib/lines/verdict.ts';
import { modelOf, usageOf } from '../../lib/pipeline/answer-fields.ts';
import { isObject } from '../../lib/records/json.ts';
import type { Column } from '../../lib/tables/row.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import type { RowSource } from './formatted-rows.ts';

/** The result lines of a batch: each request stands in one of both. */
export interface ResultLines {
  answers(): AsyncIterable<Uint8Array>;
  errors(): AsyncIterable<Uint8Array>;
  /** The custom_ids in the order that the rows are to have; null for answers first and errors after them. */
  order: (() => AsyncIterable<string | null>) | null;
}

/** What a request's row has beside its answer. */
const ownColumns: readonly Column[] = [
  { name: '_custom_id', type: 'text' },
  { name: '_error_code', type: 'text' },
  { name: '_error_message', type: 'text' },
  { name: '_model', type: 'text' },
  { name: '_input_tokens', type: 'integer' },
  { name: '_output_tokens', type: 'integer' },
];

/**
 * The requests of a batch as rows: their answers' texts, or of the JSON in them what stands at some paths.
 *
 * @param paths such as `label.sentiment` or `items.0.name`; empty for the text.
 */
export function answerRows(lines: ResultLines, paths: readonly string[]): RowSource {
  const answers: Column[] =
    paths.length === 0 ? [{ name: 'answer', type: 'text' }] : paths.map((name) => ({ name, type: 'unknown' }));
  const ways = paths.map((path) => path.split('.'));
  return {
    columns: [...answers, ...ownColumns],
    printed: answers.map((_column, place) => place),
    async *rows() {
      for await (const line of linesInOrder(lines)) yield rowOf(line, ways);
    },
  };
}

function rowOf(bytes: Buffer, ways: readonly (readonly string[])[]): unknown[] {
  const line = objectFrom(bytes);
  if (!line) throw new CommandError(exitStatus.unexpected, 'A result line cannot be read.');
  const outcome = outcomeOf(line);
  const text = outcome.answered ? answerText(outcome.body) : null;
  const json = ways.length > 0 && text !== null ? parsed(text) : null;
  const usage = outcome.answered ? usageOf(outcome.body) : null;
  return [
    ...(ways.length === 0 ? [text] : ways.map((way) => valueAt(json, way))),
    typeof line.custom_id === 'string' ? line.custom_id : null,
    outcome.answered ? null : outcome.code,
    outcome.answered ? null : outcome.message,
    modelOf(outcome),
    usage?.input_tokens ?? null,
    usage?.output_tokens ?? null,
  ];
}

function parsed(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return null;
  }
}

function valueAt(json: unknown, way: readonly string[]): unknown {
  let value = json;
  for (const step of way) {
    if (Array.isArray(value)) value = value[Number(step)];
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value ?? null;
}

async function* linesInOrder({ answers, errors, order }: ResultLines): AsyncGenerator<Buffer> {
  if (order === null) {
    yield* linesOf(answers());
    yield* linesOf(errors());
    return;
  }
  const sources = [new NextLine(answers()), new NextLine(errors())];
  for await (const id of order()) {
    let found: Buffer | null = null;
    for (const source of sources) found ??= await source.takeIf(id);
    if (found === null)
      throw new CommandError(
        exitStatus.invalid,
        `The file of --input is not the batch's: it has ${id === null ? 'a line without custom_id' : `the request '${id.slice(0, 100)}'`} where the results have another one.`,
      );
    yield found;
  }
  for (const source of sources)
    if (!(await source.isOver()))
      throw new CommandError(exitStatus.invalid, "The file of --input is not the batch's: it has fewer requests.");
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const lines of splitLines(chunks, Number.POSITIVE_INFINITY))
    for (const { bytes } of lines) if (bytes) yield bytes;
}

/** The custom_ids of a file of requests. */
export async function* idsIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string | null> {
  for await (const line of linesOf(chunks)) yield idOf(line);
}

/** The custom_ids of a results table's rows. */
export async function* idsOf({ columns, rows }: RowSource): AsyncGenerator<string | null> {
  const place = columns.findLastIndex(({ name }) => /^_custom_id(_\d+)?$/.test(name));
  for await (const row of rows()) {
    const id = row[place];
    yield typeof id === 'string' && id !== '' ? id : null;
  }
}

function idOf(line: Buffer): string | null {
  const value = objectFrom(line);
  return typeof value?.custom_id === 'string' ? value.custom_id : null;
}

/** Looks at the next line of a file before it is taken: both files have the input's order. */
class NextLine {
  readonly #lines: AsyncGenerator<Buffer>;
  #next: Buffer | null | undefined;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#lines = linesOf(chunks);
  }

  /** A line that validation refused may have no id, which is that of any request. */
  async takeIf(id: string | null): Promise<Buffer | null> {
    const line = await this.#peek();
    if (line === null) return null;
    const own = idOf(line);
    if (own !== id && own !== null) return null;
    this.#next = undefined;
    return line;
  }

  async isOver(): Promise<boolean> {
    return (await this.#peek()) === null;
  }

  async #peek(): Promise<Buffer | null> {
    if (this.#next === undefined) {
      const { value, done } = await this.#lines.next();
      this.#next = done ? null : value;
    }
    return this.#next;
  }
}
