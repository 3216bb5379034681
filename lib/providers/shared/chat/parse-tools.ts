import { isAbsent } from '../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';
import type { ChatBody } from './chat-body.ts';
import type { AnswerFormat, ChatAbilities, ChatTool, FunctionTool, SchemaFormat, ToolChoice } from './chat-request.ts';
import { parseFlag, parseText } from './parse-values.ts';
import { objectsOf } from './placed-objects.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

const toolKeys: ReadonlySet<string> = new Set(['type', 'function']);
const functionKeys: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);

/** Schemas go on as they are, `$defs` and all, their numbers as they were written. */
export function parseTools({ body, exact }: ChatBody, abilities: ChatAbilities, notes: TranslationNotes): ChatTool[] {
  if (isAbsent(body.tools)) return [];
  const tools = Array.isArray(body.tools) ? exact('tools') : body.tools;
  return objectsOf<ChatTool>(tools, 'body.tools', 'an array of tools', (tool, param) => {
    if (tool.type === 'custom') throw notes.unsupported(param, 'custom tools take free text; use a function');
    const isOwn = abilities.hasOwnTools && tool.type !== 'function';
    return isOwn ? { type: 'own', param, value: tool } : functionFrom(tool, param, notes);
  });
}

function functionFrom(tool: JsonObject, place: string, notes: TranslationNotes): FunctionTool {
  const param = `${place}.function`;
  if (!isObject(tool.function)) throw invalid(param, 'an object');
  notes.dropOthers(tool, toolKeys, 'body.tools[]');
  notes.dropOthers(tool.function, functionKeys, 'body.tools[].function');
  const { name, description, parameters, strict } = tool.function;
  if (typeof name !== 'string' || name === '') throw invalid(`${param}.name`, 'a string');
  if (!isAbsent(parameters) && !isObject(parameters)) throw invalid(`${param}.parameters`, 'a JSON schema');
  return {
    type: 'function',
    param,
    name,
    description: parseText(description, `${param}.description`),
    parameters: parameters ?? null,
    strict: parseFlag(strict, `${param}.strict`),
  };
}

const choices: ReadonlyMap<unknown, ToolChoice> = new Map(
  (['auto', 'none', 'required'] as const).map((type) => [type, { type }]),
);

export function parseToolChoice(
  choice: unknown,
  { hasOwnTools }: ChatAbilities,
  notes: TranslationNotes,
): ToolChoice | null {
  if (isAbsent(choice)) return null;
  const word = choices.get(hasOwnTools && choice === 'any' ? 'required' : choice);
  if (word) return word;
  if (!isObject(choice)) throw invalid('body.tool_choice', "'auto', 'none', 'required' or a function");
  if (choice.type === 'function') {
    notes.dropOthers(choice, toolKeys, 'body.tool_choice');
    return { type: 'function', name: nameIn(choice.function, 'body.tool_choice.function', notes) };
  }
  if (choice.type === 'allowed_tools') {
    notes.dropOthers(choice, allowedKeys, 'body.tool_choice');
    return allowedTools(choice.allowed_tools, notes);
  }
  throw notes.unsupported('body.tool_choice', 'choose a function');
}

const allowedKeys: ReadonlySet<string> = new Set(['type', 'allowed_tools']);
const allowedMembers: ReadonlySet<string> = new Set(['mode', 'tools']);

function allowedTools(allowed: unknown, notes: TranslationNotes): ToolChoice {
  const param = 'body.tool_choice.allowed_tools';
  if (!isObject(allowed) || !Array.isArray(allowed.tools)) throw invalid(`${param}.tools`, 'an array of tools');
  if (allowed.mode !== 'auto' && allowed.mode !== 'required') throw invalid(`${param}.mode`, "'auto' or 'required'");
  notes.dropOthers(allowed, allowedMembers, param);
  const names = allowed.tools.map((tool: unknown, index) =>
    nameIn(isObject(tool) ? tool.function : undefined, `${param}.tools[${index}].function`, notes),
  );
  return { type: 'allowed', mode: allowed.mode, names };
}

const nameKeys: ReadonlySet<string> = new Set(['name']);

function nameIn(called: unknown, param: string, notes: TranslationNotes): string {
  if (!isObject(called) || typeof called.name !== 'string') throw invalid(`${param}.name`, 'a string');
  notes.dropOthers(called, nameKeys, param);
  return called.name;
}

const formatKeys: ReadonlySet<string> = new Set(['type', 'json_schema']);
const schemaKeys: ReadonlySet<string> = new Set(['name', 'description', 'schema', 'strict']);

export function parseFormat({ body, exact }: ChatBody, notes: TranslationNotes): AnswerFormat | null {
  const format = body.response_format;
  if (isAbsent(format)) return null;
  if (!isObject(format)) throw invalid('body.response_format', 'an object');
  notes.dropOthers(format, formatKeys, 'body.response_format');
  switch (format.type) {
    case 'text':
    case 'json_object':
      return { type: format.type };
    case 'json_schema':
      return schemaFormat(format.json_schema, exact, notes);
    default:
      throw invalid('body.response_format.type', "'text', 'json_object' or 'json_schema'");
  }
}

function schemaFormat(given: unknown, exact: ChatBody['exact'], notes: TranslationNotes): SchemaFormat {
  const param = 'body.response_format.json_schema';
  if (!isObject(given) || !isObject(given.schema)) throw invalid(`${param}.schema`, 'a JSON schema');
  notes.dropOthers(given, schemaKeys, param);
  const { name, description, schema, strict } = given;
  return {
    type: 'json_schema',
    name: parseText(name, `${param}.name`) || null,
    description: parseText(description, `${param}.description`),
    strict: parseFlag(strict, `${param}.strict`),
    schema,
    exactSchema: () => {
      const read = exact('response_format', 'json_schema', 'schema');
      return isObject(read) ? read : schema;
    },
  };
}
