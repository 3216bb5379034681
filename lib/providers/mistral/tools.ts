import type { JsonObject } from '../../records/json.ts';
import type { AnswerFormat, ChatTool, ToolChoice } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Tools, their choice, and the form of an answer. Source: @mistralai/mistralai 2.7 `Tool`, `ToolChoice`, `ResponseFormat`. */

export function toolsFrom(tools: readonly ChatTool[]): JsonObject[] {
  return tools.map((tool) => {
    if (tool.type === 'own') return tool.value; // such as web_search
    const { name, description, strict, parameters } = tool;
    const definition = {
      name,
      ...(description !== null && { description }),
      ...(strict !== null && { strict }),
      parameters: parameters ?? noParameters,
    };
    return { type: 'function', function: definition };
  });
}

/** OpenAI takes a function without parameters, Mistral wants a schema. */
const noParameters = { type: 'object', properties: {} };

export function toolChoiceFrom(choice: ToolChoice, notes: TranslationNotes): string | JsonObject {
  switch (choice.type) {
    case 'auto':
    case 'none':
    case 'required':
      return choice.type;
    case 'function':
      return { type: 'function', function: { name: choice.name } };
    case 'allowed':
      throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  }
}

export function responseFormatFrom(format: AnswerFormat): JsonObject {
  if (format.type !== 'json_schema') return { type: format.type };
  const { name, description, strict } = format;
  if (name === null) throw invalid('body.response_format.json_schema.name', 'a string');
  const json_schema = {
    name,
    ...(description !== null && { description }),
    schema: format.exactSchema(),
    ...(strict !== null && { strict }),
  };
  return { type: 'json_schema', json_schema };
}
