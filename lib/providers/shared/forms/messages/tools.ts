import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import { parseFlag } from '../../chat/parse-values.ts';
import type { LineNotes } from '../notes.ts';
import { mayBeStrict } from '../strict-schema.ts';

const toolKeys: ReadonlySet<string> = new Set([
  'type',
  'name',
  'description',
  'input_schema',
  'strict',
  // Asks for a manner of streaming; a batch has none.
  'eager_input_streaming',
]);

/** @returns the members of a chat completion that are about tools. */
export function toolsFrom({ tools, tool_choice }: JsonObject, notes: LineNotes): JsonObject {
  const functions = isAbsent(tools) ? [] : functionsFrom(tools, notes);
  if (functions.length > 0) return { tools: functions, ...choiceFrom(tool_choice, notes) };
  if (!isAbsent(tool_choice)) notes.drop('tool_choice', 'this request has no tools');
  return {};
}

function functionsFrom(tools: unknown, notes: LineNotes): JsonObject[] {
  if (!Array.isArray(tools)) throw notes.invalid('tools', 'an array of tools');
  return tools.map((tool: unknown, index) => {
    const place = `tools[${index}]`;
    if (!isObject(tool)) throw notes.invalid(place, 'an object');
    if (!isAbsent(tool.type) && tool.type !== 'custom')
      throw notes.unsupported(`${place}.type`, "the provider's own tools run there only; describe a tool of yours");
    notes.dropOthers(tool, toolKeys, 'tools[]');
    return { type: 'function', function: functionFrom(tool, place, notes) };
  });
}

function functionFrom({ name, description, input_schema, strict }: JsonObject, place: string, notes: LineNotes) {
  if (typeof name !== 'string' || name === '') throw notes.invalid(`${place}.name`, 'a string');
  if (!isObject(input_schema)) throw notes.invalid(`${place}.input_schema`, 'a JSON schema');
  const asksForStrict = parseFlag(strict, notes.param(`${place}.strict`)) === true;
  const isStrict = asksForStrict && mayBeStrict(input_schema);
  if (asksForStrict && !isStrict)
    notes.change('tools[].strict', 'strict schemas close and require everything there, so this one is not strict');
  return {
    name,
    ...(!isAbsent(description) && { description }),
    parameters: input_schema,
    ...(isStrict && { strict: true }),
  };
}

const choiceKeys: ReadonlySet<string> = new Set(['type', 'name', 'disable_parallel_tool_use']);

const words = new Map<unknown, string>([
  ['auto', 'auto'],
  ['any', 'required'],
  ['none', 'none'],
]);

function choiceFrom(choice: unknown, notes: LineNotes): JsonObject {
  if (isAbsent(choice)) return {};
  if (!isObject(choice)) throw notes.invalid('tool_choice', 'an object');
  notes.dropOthers(choice, choiceKeys, 'tool_choice');
  const place = notes.param('tool_choice.disable_parallel_tool_use');
  const isSingle = parseFlag(choice.disable_parallel_tool_use, place) === true && choice.type !== 'none';
  return { tool_choice: wordFrom(choice, notes), ...(isSingle && { parallel_tool_calls: false }) };
}

function wordFrom({ type, name }: JsonObject, notes: LineNotes): unknown {
  const word = words.get(type);
  if (word !== undefined) return word;
  if (type !== 'tool') throw notes.invalid('tool_choice.type', "'auto', 'any', 'tool' or 'none'");
  if (typeof name !== 'string') throw notes.invalid('tool_choice.name', 'a string');
  return { type: 'function', function: { name } };
}
