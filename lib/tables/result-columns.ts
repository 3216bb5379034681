import { isObject, type JsonObject } from '../records/json.ts';
import type { KeptType } from './parquet-type.ts';
import type { Column } from './row.ts';

/** What the values of a column are in the results table; each may be null. `json` is a value of any type. */
export type ValueType = 'text' | 'integer' | 'number' | 'boolean' | 'json';

/** A column of the results table. */
export interface ResultColumn {
  name: string;
  type: ValueType;
  /** How Parquet declares it, for a column that came so. */
  parquet?: KeptType | undefined;
}

/** What of an answer stands in a column: its text, the whole body, the JSON of its text, or a member of that. */
export type AnswerPart = { from: 'text' | 'body' | 'json' } | { from: 'member'; member: string };

/** The columns of a results table, in their order: those of the input, those of the answer, and our own. */
export interface ResultColumns {
  input: readonly ResultColumn[];
  answer: readonly (ResultColumn & { part: AnswerPart })[];
  own: readonly ResultColumn[];
  all: readonly ResultColumn[];
}

/** Our own columns; `OwnValues` of a row stand in this order. */
const ownColumns: readonly ResultColumn[] = [
  { name: '_custom_id', type: 'text' },
  { name: '_error_code', type: 'text' },
  { name: '_error_message', type: 'text' },
  { name: '_model', type: 'text' },
  { name: '_input_tokens', type: 'integer' },
  { name: '_output_tokens', type: 'integer' },
  { name: '_cost_usd', type: 'number' },
];

/**
 * @param input the table's columns; none for an input of requests.
 * @param schema that the answers are to fit, if there is one.
 * @param answer what the option asks for; without it the members of the schema, else the text.
 */
export function resultColumns(
  input: readonly Column[],
  schema: JsonObject | null,
  answer: 'text' | 'json' | 'body' | undefined,
): ResultColumns {
  const taken = new Set<string>();
  const free = (name: string) => {
    let found = name;
    for (let number = 2; taken.has(found); number += 1) found = `${name}_${number}`;
    taken.add(found);
    return found;
  };
  const named = <Made extends ResultColumn>(columns: readonly Made[]) =>
    columns.map((column) => ({ ...column, name: free(column.name) }));
  const inputs = named(input.map(({ name, type, parquet }) => ({ name, type: storedTypes[type], parquet })));
  const answers = named(answerColumns(schema, answer ?? (membersOf(schema) ? 'json' : 'text')));
  const own = named(ownColumns);
  return { input: inputs, answer: answers, own, all: [...inputs, ...answers, ...own] };
}

/** The columns of a table that has its answers already. */
export function resultTableOf(columns: readonly Column[]): ResultColumns {
  const input = columns.map(({ name, type, parquet }) => ({ name, type: storedTypes[type], parquet }));
  return { input, answer: [], own: [], all: input };
}

const storedTypes = {
  unknown: 'text',
  text: 'text',
  integer: 'integer',
  long: 'integer',
  number: 'number',
  boolean: 'boolean',
  json: 'json',
} as const satisfies Record<Column['type'], ValueType>;

function answerColumns(
  schema: JsonObject | null,
  answer: 'text' | 'json' | 'body',
): (ResultColumn & { part: AnswerPart })[] {
  switch (answer) {
    case 'text':
      return [{ name: 'answer', type: 'text', part: { from: 'text' } }];
    case 'body':
      return [{ name: 'body', type: 'json', part: { from: 'body' } }];
    case 'json':
      return (
        membersOf(schema)?.map(([member, of]) => ({
          name: member,
          type: typeOf(of),
          part: { from: 'member', member },
        })) ?? [{ name: 'answer', type: 'json', part: { from: 'json' } }]
      );
  }
}

/** @returns null for a schema that is not of an object with members of its own. */
function membersOf(schema: JsonObject | null): [string, unknown][] | null {
  const members = schema && isObject(schema.properties) ? Object.entries(schema.properties) : [];
  return members.length === 0 ? null : members;
}

const typeNames: Readonly<Record<string, ValueType>> = {
  string: 'text',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
};

/** The type that all values of a schema have. */
function typeOf(schema: unknown): ValueType {
  if (!isObject(schema)) return 'json';
  const { type, enum: values } = schema;
  const stated = (Array.isArray(type) ? type : [type]).filter((name) => name !== 'null');
  const [only, ...others] = stated;
  if (typeof only === 'string' && others.length === 0)
    return (Object.hasOwn(typeNames, only) && typeNames[only]) || 'json';
  return Array.isArray(values) && values.every((value) => typeof value === 'string') ? 'text' : 'json';
}
