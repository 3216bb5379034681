import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Placed } from '../shared/chat/chat-messages.ts';
import { functionOf, placedTools } from '../shared/chat/chat-tools.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Tools, their choice, and the form of an answer. Source: @mistralai/mistralai 2.7 `Tool`, `ToolChoice`, `ResponseFormat`. */

/** @param exact the same with its numbers as they were written: schemas go on as they are. */
export function toolsFrom(tools: unknown, exact: unknown, notes: TranslationNotes): JsonObject[] {
  return placedTools(tools).map((tool, index) => {
    const { type } = tool.value;
    if (type !== 'function' && type !== 'custom') return memberOf(exact, index); // Mistral's own, such as web_search
    return { type: 'function', function: functionFrom(functionOf(tool, notes), memberOf(exact, index)) };
  });
}

function memberOf(array: unknown, index: number): JsonObject {
  const member: unknown = Array.isArray(array) ? array[index] : undefined;
  return isObject(member) ? member : {};
}

function functionFrom({ value: definition, param }: Placed, exactTool: JsonObject): JsonObject {
  const { name, description, parameters, strict } = definition;
  if (typeof name !== 'string' || name === '') throw invalid(`${param}.name`, 'a string');
  if (!isAbsent(parameters) && !isObject(parameters)) throw invalid(`${param}.parameters`, 'a JSON schema');
  const exact = isObject(exactTool.function) ? exactTool.function.parameters : undefined;
  return {
    name,
    ...(typeof description === 'string' && { description }),
    ...(typeof strict === 'boolean' && { strict }),
    parameters: isAbsent(parameters) ? noParameters : exact,
  };
}

/** OpenAI takes a function without parameters, Mistral wants a schema. */
const noParameters = { type: 'object', properties: {} };

const choices: ReadonlySet<unknown> = new Set(['auto', 'none', 'any', 'required']);

export function toolChoiceFrom(choice: unknown, notes: TranslationNotes): unknown {
  if (choices.has(choice)) return choice;
  if (!isObject(choice)) throw invalid('body.tool_choice', "'auto', 'none', 'required' or a function");
  if (choice.type !== 'function') throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  const name = isObject(choice.function) ? choice.function.name : undefined;
  if (typeof name !== 'string') throw invalid('body.tool_choice.function.name', 'a string');
  return { type: 'function', function: { name } };
}

const schemaKeys: ReadonlySet<string> = new Set(['name', 'description', 'schema', 'strict']);

export function responseFormatFrom(format: unknown, exact: unknown, notes: TranslationNotes): JsonObject {
  if (!isObject(format)) throw invalid('body.response_format', 'an object');
  switch (format.type) {
    case 'text':
    case 'json_object':
      return { type: format.type };
    case 'json_schema':
      return { type: 'json_schema', json_schema: jsonSchemaFrom(format.json_schema, exact, notes) };
    default:
      throw invalid('body.response_format.type', "'text', 'json_object' or 'json_schema'");
  }
}

function jsonSchemaFrom(jsonSchema: unknown, exactFormat: unknown, notes: TranslationNotes): JsonObject {
  const param = 'body.response_format.json_schema';
  if (!isObject(jsonSchema) || !isObject(jsonSchema.schema)) throw invalid(`${param}.schema`, 'a JSON schema');
  const { name, description, strict } = jsonSchema;
  if (typeof name !== 'string' || name === '') throw invalid(`${param}.name`, 'a string');
  notes.dropOthers(jsonSchema, schemaKeys, param);
  const exact = isObject(exactFormat) && isObject(exactFormat.json_schema) ? exactFormat.json_schema.schema : undefined;
  return {
    name,
    ...(typeof description === 'string' && { description }),
    schema: exact,
    ...(typeof strict === 'boolean' && { strict }),
  };
}
