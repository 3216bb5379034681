import type { ChatRequest, ChatTool, ToolChoice } from '../shared/chat/chat-request.ts';
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
  allowedFunctionNames?: readonly string[];
}

export function functionDeclarationsFrom(tools: readonly ChatTool[], notes: TranslationNotes): FunctionDeclaration[] {
  return tools.map((tool) => declarationFrom(tool, notes));
}

// As Gemini checks it. Source: @google/genai 3.1 `FunctionDeclaration.name`.
const functionName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

function declarationFrom(tool: ChatTool, notes: TranslationNotes): FunctionDeclaration {
  if (tool.type === 'own') throw invalid(`${tool.param}.type`, "'function'");
  const { name, description, parameters, strict, param } = tool;
  if (!functionName.test(name)) throw invalid(`${param}.name`, 'a name of letters, digits, _, ., : and -, at most 128');
  if (strict) notes.drop('body.tools[].function.strict');
  return {
    name,
    ...(description !== null && { description }),
    ...(parameters && Object.keys(parameters).length > 0 && { parametersJsonSchema: parameters }),
  };
}

/** @returns undefined where nothing but the default was asked for. */
export function functionCallingFrom(chat: ChatRequest, notes: TranslationNotes): FunctionCallingConfig | undefined {
  const hasTools = chat.tools.length > 0;
  const choice = chat.toolChoice ? chosen(chat.toolChoice, notes) : undefined;
  if (choice?.mode === 'ANY' && !hasTools) throw invalid('body.tools', 'the tools to choose');
  if (chat.isParallel === false) notes.drop('body.parallel_tool_calls');
  return hasTools ? choice : undefined;
}

function chosen(choice: ToolChoice, notes: TranslationNotes): FunctionCallingConfig {
  switch (choice.type) {
    case 'auto':
      return { mode: 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'function':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
    case 'allowed':
      if (choice.mode === 'required') return { mode: 'ANY', allowedFunctionNames: choice.names };
      throw notes.unsupported('body.tool_choice.allowed_tools.mode', "use 'required', or list fewer tools");
  }
}
