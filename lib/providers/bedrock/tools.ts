import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Placed } from '../shared/chat/chat-messages.ts';
import { placedFunctions } from '../shared/chat/chat-tools.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Tools and their choice, as Nova's body and Converse have them. Source: @aws-sdk/client-bedrock-runtime 3.1164 `ToolConfiguration`. */

interface ToolSpec {
  toolSpec: { name: string; description?: string; inputSchema: { json: object } };
}

type ToolChoice = { auto: object } | { any: object } | { tool: { name: string } };

export interface ToolConfig {
  tools: ToolSpec[];
  toolChoice?: ToolChoice;
}

const functionName = /^[a-zA-Z0-9_-]{1,64}$/;

/**
 * @param exact the body with its numbers as they were written: schemas go on as they are.
 * @param hasCalls whether the conversation has calls, which cannot stand there without their tools.
 * @returns undefined where no tool may be called.
 */
export function toolConfigFrom(
  body: JsonObject,
  exact: JsonObject,
  hasCalls: boolean,
  notes: TranslationNotes,
): ToolConfig | undefined {
  const tools = placedFunctions(exact.tools, notes).map((placed) => specFrom(placed, notes));
  const choice = isAbsent(body.tool_choice) ? undefined : choiceFrom(body.tool_choice, notes);
  const mustCall = typeof choice === 'object' && !('auto' in choice);
  if (tools.length === 0 && (hasCalls || mustCall))
    throw invalid('body.tools', hasCalls ? 'the tools that were called' : 'the tools to choose');
  if (choice === 'none' && hasCalls)
    throw notes.unsupported('body.tool_choice', "leave 'none' out where the conversation has calls");
  if (body.parallel_tool_calls === false && tools.length > 0) notes.drop('body.parallel_tool_calls');
  if (tools.length === 0 || choice === 'none') return undefined;
  return { tools, ...(choice !== undefined && { toolChoice: choice }) };
}

function specFrom({ value: definition, param }: Placed, notes: TranslationNotes): ToolSpec {
  const { name, description, parameters, strict } = definition;
  if (typeof name !== 'string' || !functionName.test(name))
    throw invalid(`${param}.name`, 'a name of letters, digits, _ and -, at most 64');
  if (!isAbsent(parameters) && !isObject(parameters)) throw invalid(`${param}.parameters`, 'a JSON schema');
  if (strict === true) notes.drop('body.tools[].function.strict');
  const hasDescription = typeof description === 'string' && description !== '';
  const json = isObject(parameters) && Object.keys(parameters).length > 0 ? parameters : noParameters;
  return { toolSpec: { name, ...(hasDescription && { description }), inputSchema: { json } } };
}

/** OpenAI takes a function without parameters, Bedrock wants a schema. */
const noParameters = { type: 'object', properties: {} };

function choiceFrom(choice: unknown, notes: TranslationNotes): ToolChoice | 'none' {
  switch (choice) {
    case 'none':
      return 'none';
    case 'auto':
      return { auto: {} };
    case 'required':
      return { any: {} };
  }
  if (!isObject(choice)) throw invalid('body.tool_choice', "'auto', 'none', 'required' or a function");
  if (choice.type !== 'function') throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  const name = isObject(choice.function) ? choice.function.name : undefined;
  if (typeof name !== 'string') throw invalid('body.tool_choice.function.name', 'a string');
  return { tool: { name } };
}
