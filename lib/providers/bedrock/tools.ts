import type { ChatRequest, ChatTool, ToolChoice } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Tools and their choice, as Nova's body and Converse have them. Source: @aws-sdk/client-bedrock-runtime 3.1164 `ToolConfiguration`. */

interface ToolSpec {
  toolSpec: { name: string; description?: string; inputSchema: { json: object } };
}

type ConverseToolChoice = { auto: object } | { any: object } | { tool: { name: string } };

export interface ToolConfig {
  tools: ToolSpec[];
  toolChoice?: ConverseToolChoice;
}

/**
 * @param hasCalls whether the conversation has calls, which cannot stand there without their tools.
 * @returns undefined where no tool may be called.
 */
export function toolConfigFrom(chat: ChatRequest, hasCalls: boolean, notes: TranslationNotes): ToolConfig | undefined {
  const tools = chat.tools.map((tool) => specFrom(tool, notes));
  const choice = chat.toolChoice ? choiceFrom(chat.toolChoice, notes) : undefined;
  const mustCall = typeof choice === 'object' && !('auto' in choice);
  if (tools.length === 0 && (hasCalls || mustCall))
    throw invalid('body.tools', hasCalls ? 'the tools that were called' : 'the tools to choose');
  if (choice === 'none' && hasCalls)
    throw notes.unsupported('body.tool_choice', "leave 'none' out where the conversation has calls");
  if (chat.isParallel === false && tools.length > 0) notes.drop('body.parallel_tool_calls');
  if (tools.length === 0 || choice === 'none') return undefined;
  return { tools, ...(choice !== undefined && { toolChoice: choice }) };
}

const functionName = /^[a-zA-Z0-9_-]{1,64}$/;

function specFrom(tool: ChatTool, notes: TranslationNotes): ToolSpec {
  if (tool.type === 'own') throw invalid(`${tool.param}.type`, "'function'");
  const { name, description, parameters, strict, param } = tool;
  if (!functionName.test(name)) throw invalid(`${param}.name`, 'a name of letters, digits, _ and -, at most 64');
  if (strict) notes.drop('body.tools[].function.strict');
  const json = parameters && Object.keys(parameters).length > 0 ? parameters : noParameters;
  return { toolSpec: { name, ...(description && { description }), inputSchema: { json } } };
}

/** OpenAI takes a function without parameters, Bedrock wants a schema. */
const noParameters = { type: 'object', properties: {} };

function choiceFrom(choice: ToolChoice, notes: TranslationNotes): ConverseToolChoice | 'none' {
  switch (choice.type) {
    case 'none':
      return 'none';
    case 'auto':
      return { auto: {} };
    case 'required':
      return { any: {} };
    case 'function':
      return { tool: { name: choice.name } };
    case 'allowed':
      throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  }
}
