import type { JsonObject } from '../../records/json.ts';
import type { ChatRequest, ChatTool, ToolChoice } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { isEnforceable } from './enforceable-schema.ts';

/** Tools and their choice. Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools */

export interface ClaudeTool {
  name: string;
  description?: string;
  input_schema: object;
  strict?: boolean;
}

export interface ClaudeToolChoice {
  type: 'auto' | 'any' | 'none' | 'tool';
  name?: string;
  disable_parallel_tool_use?: true;
}

export function toolsFrom(tools: readonly ChatTool[], notes: TranslationNotes): ClaudeTool[] {
  return tools.map((tool) => toolFrom(tool, notes));
}

function toolFrom(tool: ChatTool, notes: TranslationNotes): ClaudeTool {
  if (tool.type === 'own') throw invalid(`${tool.param}.type`, "'function'");
  const { name, description, parameters, strict } = tool;
  const schema = inputSchema(parameters ?? {});
  return {
    name,
    ...(description !== null && { description }),
    input_schema: schema,
    ...(strict !== null && mayBeStrict(strict, schema, notes) && { strict }),
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

/** @returns undefined where nothing but the default was asked for. */
export function toolChoiceFrom(chat: ChatRequest, notes: TranslationNotes): ClaudeToolChoice | undefined {
  const choice = chat.toolChoice ? chosen(chat.toolChoice, notes) : undefined;
  const isSingle = chat.isParallel === false;
  if (chat.tools.length === 0) {
    if (choice && (choice.type === 'any' || choice.type === 'tool')) throw invalid('body.tools', 'the tools to choose');
    if (isSingle) notes.drop('body.parallel_tool_calls', 'this request has no tools');
    return undefined;
  }
  if (!isSingle || choice?.type === 'none') return choice;
  return { ...(choice ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

function chosen(choice: ToolChoice, notes: TranslationNotes): ClaudeToolChoice {
  switch (choice.type) {
    case 'auto':
    case 'none':
      return { type: choice.type };
    case 'required':
      return { type: 'any' };
    case 'function':
      return { type: 'tool', name: choice.name };
    case 'allowed':
      throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  }
}
