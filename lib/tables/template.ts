import { answerSchemaOf, schemaMembers } from '../lines/answer-schema.ts';
import { maxLineBytes } from '../lines/jsonl.ts';
import { type Endpoint, isEndpoint } from '../records/endpoints.ts';
import { messageOf } from '../records/errors.ts';
import { isObject, type JsonObject } from '../records/json.ts';
import { compileText, hasPlaceholder, invalidTemplate, type LiquidText } from './liquid-text.ts';
import { cellText, type RowProblem, type TableRow } from './row.ts';

/** What became of a row: a request line, or why there is none. */
export type RenderedRow = { bytes: Buffer } | { problem: RowProblem };

/** A request whose texts hold placeholders for columns. */
export interface RowTemplate {
  /** Columns that it names. */
  columns: readonly string[];
  /** What the requests are for. */
  endpoint: Endpoint;
  /** What their answers are to fit; the same for all rows. */
  answerSchema: JsonObject | null;
  /**
   * @throws InvalidInputError `invalid_template` for a column that the table does not have.
   */
  assertColumns(columns: readonly string[]): void;
  render(row: TableRow): RenderedRow;
}

/** Text of the request line, or what is put there for each row. */
type Part = string | { text: LiquidText; place: string };

const membersOfOpenAI = ['custom_id', 'method', 'url', 'body'];
const membersOfAnthropic = ['custom_id', 'params'];

/**
 * Compiles a template.
 *
 * @param endpoint what the batch is for, where its options say so.
 * @throws InvalidInputError `invalid_template`
 */
export function compileTemplate(template: JsonObject, endpoint?: Endpoint): RowTemplate {
  const isNative = isObject(template.params) && !('body' in template);
  const known = isNative ? membersOfAnthropic : membersOfOpenAI;
  const unknown = Object.keys(template).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw invalidTemplate(unknown, `a template has no member '${unknown}'; it has ${known.join(', ')}`);
  const body = isNative ? template.params : template.body;
  if (!isObject(body)) throw invalidTemplate('body', 'it must be an object: the body of a request, with placeholders');
  const bodyKey = isNative ? 'params' : 'body';
  const own = isNative ? '/v1/messages' : endpointOf(template, body, endpoint);
  const parts = partsOf(template, body, { bodyKey, endpoint: own });
  const texts = parts.flatMap((part) => (typeof part === 'string' ? [] : [part]));
  const columns = [...new Set(texts.flatMap(({ text }) => text.columns))];
  const words = new Set(texts.flatMap(({ text }) => text.words));
  return {
    columns,
    endpoint: own,
    answerSchema: answerSchemaOf(body),
    assertColumns: (existing) => assertColumns(texts, existing),
    render: (row) => renderRow(parts, columns, words, row),
  };
}

function endpointOf(template: JsonObject, body: JsonObject, endpoint: Endpoint | undefined): Endpoint {
  const { url, method = 'POST' } = template;
  if (method !== 'POST') throw invalidTemplate('method', 'only POST is supported');
  if (url === undefined) {
    if (endpoint !== undefined) return endpoint;
    if ('messages' in body) return '/v1/chat/completions';
    throw invalidTemplate(
      'url',
      'name what the requests are for, such as /v1/responses, here or in the option endpoint',
    );
  }
  if (!isEndpoint(url)) throw invalidTemplate('url', `'${String(url).slice(0, 100)}' is no endpoint`);
  if (endpoint !== undefined && url !== endpoint)
    throw invalidTemplate('url', `it is ${url}, but the batch's endpoint is ${endpoint}`);
  return url;
}

function partsOf(
  template: JsonObject,
  body: JsonObject,
  { bodyKey, endpoint }: { bodyKey: 'params' | 'body'; endpoint: Endpoint },
): Part[] {
  const parts: Part[] = ['{"custom_id":'];
  const id = template.custom_id;
  if (id !== undefined && typeof id !== 'string') throw invalidTemplate('custom_id', 'it must be a text');
  if (id === undefined) parts.push({ text: rowNumber, place: 'custom_id' });
  else addValue(parts, id, 'custom_id');
  if (bodyKey === 'body') parts.push(`,"method":"POST","url":${JSON.stringify(endpoint)}`);
  parts.push(`,"${bodyKey}":`);
  const { model, ...rest } = body;
  addValue(parts, model === undefined ? rest : { model, ...rest }, bodyKey);
  parts.push('}');
  return merged(parts);
}

/** The custom_id of a row whose template has none. */
const rowNumber: LiquidText = {
  columns: [],
  words: [],
  valueKind: null,
  render: (cells) => `row-${cells.get(numberColumn)}`,
};

/** No column can be called so: names of columns are text without NUL. */
const numberColumn = '\0number';

function addValue(parts: Part[], value: unknown, place: string): void {
  if (typeof value === 'string' && hasPlaceholder(value)) parts.push({ text: compileText(value, place), place });
  else if (Array.isArray(value)) {
    parts.push('[');
    for (const [index, item] of value.entries()) {
      if (index > 0) parts.push(',');
      addValue(parts, item, `${place}[${index}]`);
    }
    parts.push(']');
  } else if (isObject(value)) addObject(parts, value, place);
  else parts.push(JSON.stringify(value));
}

function addObject(parts: Part[], object: JsonObject, place: string): void {
  parts.push('{');
  for (const [index, [name, value]] of Object.entries(object).entries()) {
    const within = `${place}.${name}`;
    if (hasPlaceholder(name)) throw invalidTemplate(within, 'names of members hold no placeholders');
    if (index > 0) parts.push(',');
    parts.push(`${JSON.stringify(name)}:`);
    if (schemaMembers.has(name)) parts.push(JSON.stringify(value));
    else addValue(parts, value, within);
  }
  parts.push('}');
}

function merged(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return joined;
}

function assertColumns(texts: readonly { text: LiquidText; place: string }[], existing: readonly string[]): void {
  const known = new Set(existing);
  for (const { text, place } of texts) {
    const missing = text.columns.find((column) => !known.has(column));
    if (missing !== undefined) throw invalidTemplate(place, missingColumn(missing, existing));
    const word = text.words.find((one) => known.has(one));
    if (word !== undefined)
      throw invalidTemplate(place, `'${word}' is a word of Liquid; write the column of that name as row["${word}"]`);
  }
}

function missingColumn(missing: string, existing: readonly string[]): string {
  const longer = existing.find((name) => name !== missing && name.startsWith(missing));
  const meant = existing.find((name) => name.trim().toLowerCase() === missing.toLowerCase()) ?? longer;
  const hint = meant === undefined ? '' : ` (is it row["${meant}"]?)`;
  return `the table has no column '${missing}'${hint}. It has ${shownColumns(existing)}`;
}

function shownColumns(columns: readonly string[]): string {
  const shown = columns.slice(0, 20).map((name) => `'${name.slice(0, 60)}'`);
  return shown.join(', ') + (columns.length > shown.length ? ` and ${columns.length - shown.length} more` : '');
}

function renderRow(
  parts: readonly Part[],
  columns: readonly string[],
  words: ReadonlySet<string>,
  row: TableRow,
): RenderedRow {
  if (row.problem) return { problem: row.problem };
  const cells = new Map<string, string>([[numberColumn, String(row.number)]]);
  for (const column of columns) {
    if (!row.cells.has(column)) return problem(row, column, `has no column '${column}'`);
    cells.set(column, cellText(row.cells.get(column)));
  }
  for (const word of words)
    if (row.cells.has(word))
      return problem(row, word, `has a column '${word}', a word of Liquid: write row["${word}"]`);
  let line = '';
  for (const part of parts) {
    if (typeof part === 'string') line += part;
    else {
      const rendered = renderPart(part, cells, row);
      if (typeof rendered !== 'string') return rendered;
      line += rendered;
      if (line.length > maxLineBytes) return problem(row, null, 'makes a request of more than 16 MiB');
    }
  }
  return { bytes: Buffer.from(line) };
}

/** @returns JSON. */
function renderPart(
  { text, place }: { text: LiquidText; place: string },
  cells: ReadonlyMap<string, string>,
  row: TableRow,
): string | { problem: RowProblem } {
  try {
    const rendered = text.render(cells);
    if (text.valueKind === null) return JSON.stringify(wholeCharacters(rendered, text.columns, cells));
    const [column = null] = text.columns;
    const value = column !== null && isEmpty(row.cells.get(column)) ? 'null' : valueText(rendered, text.valueKind);
    if (value !== null) return value;
    return problem(row, column, `column '${column}': '${rendered.slice(0, 100)}' is no ${valueNames[text.valueKind]}`);
  } catch (error) {
    return problem(row, place, `${place}: ${messageOf(error)}`);
  }
}

/** A filter that cuts a text may cut a character of two halves; the half that is left has no form in UTF-8. */
function wholeCharacters(text: string, columns: readonly string[], cells: ReadonlyMap<string, string>): string {
  if (text.isWellFormed() || columns.some((column) => cells.get(column)?.isWellFormed() === false)) return text;
  return text.replaceAll(/\p{Surrogate}/gu, '');
}

const valueNames = { json: 'JSON', number: 'number', boolean: 'true or false' } as const;

function isEmpty(value: unknown): boolean {
  return value === null;
}

/** @returns the value as JSON in its own spelling; null where the text is none. */
function valueText(text: string, kind: 'json' | 'number' | 'boolean'): string | null {
  const trimmed = text.trim();
  switch (kind) {
    case 'number':
      return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(trimmed) ? trimmed : null;
    case 'boolean':
      return /^(?:true|false)$/i.test(trimmed) ? trimmed.toLowerCase() : null;
    case 'json':
      return isJson(trimmed) ? trimmed.replaceAll(/[\r\n]+/g, ' ') : null;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function problem(row: TableRow, param: string | null, what: string): { problem: RowProblem } {
  return { problem: { code: 'invalid_row', message: `Row ${row.number}: ${what}.`, param } };
}
