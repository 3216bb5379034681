import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Placed } from '../shared/chat/chat-messages.ts';
import { placedFunctions } from '../shared/chat/chat-tools.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Tools and their choice. Source: @google/genai 3.1 `FunctionDeclaration`, `FunctionCallingConfig`. */

export interface FunctionDeclaration {
  name: string;
  description?: string;
  parametersJsonSchema?: object;
}

export interface FunctionCallingConfig {
  mode: 'AUTO' | 'ANY' | 'NONE';
  allowedFunctionNames?: string[];
}

// As Gemini checks it. Source: @google/genai 3.1 `FunctionDeclaration.name`.
const functionName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/** @param tools `body.tools`, its numbers as the customer wrote them: schemas go on as they are, `$defs` and all. */
export function functionDeclarationsFrom(tools: unknown, notes: TranslationNotes): FunctionDeclaration[] {
  return placedFunctions(tools, notes).map((placed) => declarationFrom(placed, notes));
}

function declarationFrom({ value: definition, param }: Placed, notes: TranslationNotes): FunctionDeclaration {
  const { name, description, parameters, strict } = definition;
  if (typeof name !== 'string' || !functionName.test(name))
    throw invalid(`${param}.name`, 'a name of letters, digits, _, ., : and -, at most 128');
  if (!isAbsent(parameters) && !isObject(parameters)) throw invalid(`${param}.parameters`, 'a JSON schema');
  if (strict === true) notes.drop('body.tools[].function.strict');
  return {
    name,
    ...(typeof description === 'string' && { description }),
    ...(isObject(parameters) && Object.keys(parameters).length > 0 && { parametersJsonSchema: parameters }),
  };
}

/** @returns undefined where nothing but the default was asked for. */
export function functionCallingFrom(
  body: JsonObject,
  hasTools: boolean,
  notes: TranslationNotes,
): FunctionCallingConfig | undefined {
  const choice = isAbsent(body.tool_choice) ? undefined : chosen(body.tool_choice, notes);
  if (choice?.mode === 'ANY' && !hasTools) throw invalid('body.tools', 'the tools to choose');
  if (body.parallel_tool_calls === false) notes.drop('body.parallel_tool_calls');
  return hasTools ? choice : undefined;
}

const modeByChoice = new Map<unknown, FunctionCallingConfig['mode']>([
  ['auto', 'AUTO'],
  ['none', 'NONE'],
  ['required', 'ANY'],
]);

function chosen(choice: unknown, notes: TranslationNotes): FunctionCallingConfig {
  const mode = modeByChoice.get(choice);
  if (mode) return { mode };
  if (!isObject(choice)) throw invalid('body.tool_choice', "'auto', 'none', 'required' or a function");
  if (choice.type === 'function')
    return { mode: 'ANY', allowedFunctionNames: [nameIn(choice.function, 'body.tool_choice.function')] };
  if (choice.type === 'allowed_tools') return callingConfigFrom(choice.allowed_tools, notes);
  throw notes.unsupported('body.tool_choice', 'choose a function');
}

function callingConfigFrom(choice: unknown, notes: TranslationNotes): FunctionCallingConfig {
  const param = 'body.tool_choice.allowed_tools';
  if (!isObject(choice) || !Array.isArray(choice.tools)) throw invalid(`${param}.tools`, 'an array of tools');
  if (choice.mode !== 'required') throw notes.unsupported(`${param}.mode`, "use 'required', or list fewer tools");
  const names = choice.tools.map((tool: unknown, index) =>
    nameIn(isObject(tool) ? tool.function : undefined, `${param}.tools[${index}].function`),
  );
  return { mode: 'ANY', allowedFunctionNames: names };
}

function nameIn(called: unknown, param: string): string {
  const name = isObject(called) ? called.name : undefined;
  if (typeof name !== 'string') throw invalid(`${param}.name`, 'a string');
  return name;
}
