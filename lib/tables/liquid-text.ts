import { Liquid, LiquidError, type Template, type Variable } from 'liquidjs';
import { InvalidInputError, messageOf } from '../records/errors.ts';

/** What one text of a template may take for one row, so that none holds up the others. */
const limits = { parseLimit: 1_000_000, renderLimit: 2_000, memoryLimit: 64_000_000 };

/** Tags that read other templates, which there are none of, or that write beside the text. */
const withoutTags = ['include', 'render', 'layout', 'block'];

/** Words of Liquid that stand for values and never for a column. */
const literals: ReadonlySet<string> = new Set(['true', 'false', 'nil', 'null', 'empty', 'blank']);

/** How a column may be written bare. */
const bareName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The filters that make a value of a column, and stand alone. */
const valueFilter = /\|\s*as_(json|number|boolean)\b/;
export type ValueKind = 'json' | 'number' | 'boolean';

/** A text of a template that holds placeholders. */
export interface LiquidText {
  /** Columns that it names. */
  columns: readonly string[];
  /** Words of Liquid in it that a column may be called as well. */
  words: readonly string[];
  /** Null for a text; else the text is a value of one column. */
  valueKind: ValueKind | null;
  /**
   * @param cells texts by column.
   * @throws Error whose message says why.
   */
  render(cells: ReadonlyMap<string, string>): string;
}

const engine = newEngine();

function newEngine(): Liquid {
  const liquid = new Liquid({
    ...limits,
    templates: {},
    relativeReference: false,
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    timezoneOffset: 0,
    cache: false,
  });
  for (const tag of withoutTags) delete liquid.tags[tag];
  return liquid;
}

/** Whether a text holds anything of Liquid. */
export function hasPlaceholder(text: string): boolean {
  return text.includes('{{') || text.includes('{%');
}

/**
 * Compiles a text with placeholders.
 *
 * @param place where it stands in the template, for errors.
 * @throws InvalidInputError `invalid_template`
 */
export function compileText(text: string, place: string): LiquidText {
  const value = loneValue(text, place);
  if (value) return value;
  if (valueFilter.test(text))
    throw invalidTemplate(
      place,
      'as_json, as_number and as_boolean stand alone: the text is exactly {{ column | as_json }}',
    );
  const parsed = parse(text, place);
  const columns = columnsIn(parsed, place);
  const words = wordsIn(text);
  const pieces = words.length === 0 ? plainPieces(text) : null;
  const render = pieces ? (cells: ReadonlyMap<string, string>) => joined(pieces, cells) : renderer(parsed, columns);
  return { columns, words, valueKind: null, render };
}

/** @returns null for a text that is no value. */
function loneValue(text: string, place: string): LiquidText | null {
  const trimmed = text.trim();
  const bar = trimmed.lastIndexOf('|');
  const [, kind] = /^\s*as_(json|number|boolean)\s*-?\}\}$/.exec(trimmed.slice(bar + 1)) ?? [];
  if (bar < 0 || !trimmed.startsWith('{{') || (kind !== 'json' && kind !== 'number' && kind !== 'boolean')) return null;
  const inner = trimmed.slice(trimmed.startsWith('{{-') ? 3 : 2, bar);
  const [piece, ...others] = plainPieces(`{{${inner}}}`) ?? [];
  if (others.length > 0 || piece === undefined || !('column' in piece) || literals.has(piece.column)) {
    const message = `as_${kind} takes one column and nothing else: {{ column | as_${kind} }} or {{ row["column"] | as_${kind} }}`;
    throw invalidTemplate(place, message);
  }
  const { column } = piece;
  return { columns: [column], words: [], valueKind: kind, render: (cells) => cells.get(column) ?? '' };
}

type Piece = { text: string } | { column: string };

const plainPlaceholder = /\{\{\s*(?:([A-Za-z_][A-Za-z0-9_]*)|row\["([^"\\]*)"\]|row\['([^'\\]*)'\])\s*\}\}/g;

/** @returns the pieces of a text in which columns stand alone, which most do; null for any other, which Liquid renders. */
function plainPieces(text: string): Piece[] | null {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(plainPlaceholder)) {
    const [whole, bare, quoted, single] = match;
    const column = bare ?? quoted ?? single ?? '';
    if (bare === 'row') return null;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ column });
    end = match.index + whole.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces.some((piece) => 'text' in piece && hasPlaceholder(piece.text)) ? null : pieces;
}

function joined(pieces: readonly Piece[], cells: ReadonlyMap<string, string>): string {
  let text = '';
  for (const piece of pieces) text += 'text' in piece ? piece.text : (cells.get(piece.column) ?? '');
  return text;
}

function renderer(parsed: Template[], columns: readonly string[]): LiquidText['render'] {
  return (cells) => {
    const scope: Record<string, unknown> = Object.create(null);
    const row: Record<string, string> = Object.create(null);
    for (const column of columns) {
      const text = cells.get(column) ?? '';
      row[column] = text;
      if (bareName.test(column)) scope[column] = text;
    }
    scope.row = row;
    try {
      return String(engine.renderSync(parsed, scope));
    } catch (cause) {
      throw new Error(shortReason(cause), { cause });
    }
  };
}

function parse(text: string, place: string): Template[] {
  try {
    return engine.parse(text);
  } catch (cause) {
    throw invalidTemplate(place, shortReason(cause), cause);
  }
}

/** The first line of Liquid's own message; its context shows the template again. */
function shortReason(error: unknown): string {
  const message = error instanceof LiquidError ? error.message : messageOf(error);
  return message.split('\n', 1)[0]?.slice(0, 300) ?? '';
}

function columnsIn(parsed: Template[], place: string): string[] {
  const { globals } = engine.analyzeSync(parsed, { partials: false });
  const columns = new Set<string>();
  for (const [name, variables] of Object.entries(globals))
    for (const variable of variables) columns.add(name === 'row' ? columnOfRow(variable, place) : name);
  return [...columns];
}

function columnOfRow({ segments }: Variable, place: string): string {
  const [, column] = segments;
  if (typeof column === 'string') return column;
  throw invalidTemplate(place, 'row stands for the whole row; name one of its columns in quotes: row["Review Text"]');
}

/** Words that stand for values, in what Liquid reads of a text. */
function wordsIn(text: string): string[] {
  const found = new Set<string>();
  for (const code of codeIn(text))
    for (const [word] of withoutStrings(code).matchAll(/[\w.]+/g)) if (literals.has(word)) found.add(word);
  return [...found];
}

/** What stands between `{{` and `}}`, or `{%` and `%}`. */
function codeIn(text: string): string[] {
  const code: string[] = [];
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) {
    const closing = text[at + 1] === '{' ? '}}' : '%}';
    if (text[at + 1] !== '{' && text[at + 1] !== '%') continue;
    const end = text.indexOf(closing, at + 2);
    if (end < 0) break;
    code.push(text.slice(at + 2, end));
    at = end;
  }
  return code;
}

function withoutStrings(code: string): string {
  let quote: string | null = null;
  let bare = '';
  for (const character of code) {
    if (quote === null && (character === '"' || character === "'")) quote = character;
    else if (character === quote) quote = null;
    else if (quote === null) bare += character;
  }
  return bare;
}

export function invalidTemplate(place: string, message: string, cause?: unknown): InvalidInputError {
  const text = `The template is wrong at ${place}: ${message}.`;
  return new InvalidInputError('invalid_template', text, { param: place, cause });
}
