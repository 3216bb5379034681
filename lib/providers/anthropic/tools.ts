import { isObject, type JsonObject } from '../../core/request-line.ts';
import type { Warning } from '../provider.ts';
import { change, drop, isAbsent, warnOfOthers } from './dropped-parameters.ts';
import { isEnforceable } from './enforceable-schema.ts';
import { invalid, unsupported } from './untranslatable-error.ts';

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

const toolKeys: ReadonlySet<string> = new Set(['type', 'function']);
const functionKeys: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);

/** @param tools `body.tools`, its numbers as the customer wrote them: schemas go on as they are, `$defs` and all. */
export function toolsFrom(tools: unknown, warnings: Map<string, Warning>): Tool[] {
  if (isAbsent(tools)) return [];
  if (!Array.isArray(tools)) throw invalid('body.tools', 'an array of tools');
  return tools.map((tool: unknown, index) => {
    const param = `body.tools[${index}]`;
    if (!isObject(tool)) throw invalid(param, 'an object');
    warnOfOthers(tool, toolKeys, 'body.tools[]', warnings);
    if (tool.type === 'custom') throw unsupported(param, 'custom tools take free text; use a function');
    if (!isObject(tool.function)) throw invalid(`${param}.function`, 'an object');
    warnOfOthers(tool.function, functionKeys, 'body.tools[].function', warnings);
    return toolFrom(tool.function, `${param}.function`, warnings);
  });
}

function toolFrom(definition: JsonObject, param: string, warnings: Map<string, Warning>): Tool {
  const { name, description, parameters, strict } = definition;
  if (typeof name !== 'string' || name === '') throw invalid(`${param}.name`, 'a string');
  if (!isAbsent(parameters) && !isObject(parameters)) throw invalid(`${param}.parameters`, 'a JSON schema');
  const schema = inputSchema(parameters ?? {});
  return {
    name,
    ...(typeof description === 'string' && { description }),
    input_schema: schema,
    ...(typeof strict === 'boolean' && mayBeStrict(strict, schema, warnings) && { strict }),
  };
}

/** OpenAI takes a function without parameters, Anthropic wants an object. */
function inputSchema(parameters: JsonObject): JsonObject {
  return 'type' in parameters ? parameters : { type: 'object', ...parameters };
}

/** A schema beyond what Anthropic enforces stays whole: it then guides the model, and no longer binds it. */
function mayBeStrict(strict: boolean, schema: JsonObject, warnings: Map<string, Warning>): boolean {
  if (!strict || isEnforceable(schema)) return true;
  change('body.tools[].function.strict', warnings, 'Anthropic cannot enforce this schema, so it is not strict');
  return false;
}

const typeByChoice = new Map<unknown, 'auto' | 'none' | 'any'>([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'any'],
]);

/** @returns undefined where nothing but the default was asked for. */
export function toolChoiceFrom(
  body: JsonObject,
  hasTools: boolean,
  warnings: Map<string, Warning>,
): ToolChoice | undefined {
  const choice = isAbsent(body.tool_choice) ? undefined : chosen(body.tool_choice);
  const isSingle = body.parallel_tool_calls === false;
  if (!hasTools) {
    if (choice && (choice.type === 'any' || choice.type === 'tool')) throw invalid('body.tools', 'the tools to choose');
    if (isSingle) drop('body.parallel_tool_calls', warnings, 'this request has no tools');
    return undefined;
  }
  if (!isSingle || choice?.type === 'none') return choice;
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function chosen(choice: unknown): ToolChoice {
  const type = typeByChoice.get(choice);
  if (type) return { type };
  if (!isObject(choice)) throw invalid('body.tool_choice', "'auto', 'none', 'required' or a function");
  if (choice.type !== 'function') throw unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  const name = isObject(choice.function) ? choice.function.name : undefined;
  if (typeof name !== 'string') throw invalid('body.tool_choice.function.name', 'a string');
  return { type: 'tool', name };
}
