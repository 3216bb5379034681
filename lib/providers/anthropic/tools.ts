import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Placed } from '../shared/chat/chat-messages.ts';
import { placedFunctions } from '../shared/chat/chat-tools.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { isEnforceable } from './enforceable-schema.ts';

/** Tools and their choice. Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools */

export interface Tool {
  name: string;
  description?: string;
  input_schema: object;
  strict?: boolean;
}

export interface ToolChoice {
  type: 'auto' | 'any' | 'none' | 'tool';
  name?: string;
  disable_parallel_tool_use?: true;
}

/** @param tools `body.tools`, its numbers as the customer wrote them: schemas go on as they are, `$defs` and all. */
export function toolsFrom(tools: unknown, notes: TranslationNotes): Tool[] {
  return placedFunctions(tools, notes).map((placed) => toolFrom(placed, notes));
}

function toolFrom({ value: definition, param }: Placed, notes: TranslationNotes): Tool {
  const { name, description, parameters, strict } = definition;
  if (typeof name !== 'string' || name === '') throw invalid(`${param}.name`, 'a string');
  if (!isAbsent(parameters) && !isObject(parameters)) throw invalid(`${param}.parameters`, 'a JSON schema');
  const schema = inputSchema(parameters ?? {});
  return {
    name,
    ...(typeof description === 'string' && { description }),
    input_schema: schema,
    ...(typeof strict === 'boolean' && mayBeStrict(strict, schema, notes) && { strict }),
  };
}

/** OpenAI takes a function without parameters, Anthropic wants an object. */
function inputSchema(parameters: JsonObject): JsonObject {
  return 'type' in parameters ? parameters : { type: 'object', ...parameters };
}

/** A schema beyond what Anthropic enforces stays whole: it then guides the model, and no longer binds it. */
function mayBeStrict(strict: boolean, schema: JsonObject, notes: TranslationNotes): boolean {
  if (!strict || isEnforceable(schema)) return true;
  notes.change('body.tools[].function.strict', 'Anthropic cannot enforce this schema, so it is not strict');
  return false;
}

const typeByChoice = new Map<unknown, 'auto' | 'none' | 'any'>([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'any'],
]);

/** @returns undefined where nothing but the default was asked for. */
export function toolChoiceFrom(body: JsonObject, hasTools: boolean, notes: TranslationNotes): ToolChoice | undefined {
  const choice = isAbsent(body.tool_choice) ? undefined : chosen(body.tool_choice, notes);
  const isSingle = body.parallel_tool_calls === false;
  if (!hasTools) {
    if (choice && (choice.type === 'any' || choice.type === 'tool')) throw invalid('body.tools', 'the tools to choose');
    if (isSingle) notes.drop('body.parallel_tool_calls', 'this request has no tools');
    return undefined;
  }
  if (!isSingle || choice?.type === 'none') return choice;
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function chosen(choice: unknown, notes: TranslationNotes): ToolChoice {
  const type = typeByChoice.get(choice);
  if (type) return { type };
  if (!isObject(choice)) throw invalid('body.tool_choice', "'auto', 'none', 'required' or a function");
  if (choice.type !== 'function') throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  const name = isObject(choice.function) ? choice.function.name : undefined;
  if (typeof name !== 'string') throw invalid('body.tool_choice.function.name', 'a string');
  return { type: 'tool', name };
}
