import { objectOf } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { RequestTarget } from '../contract.ts';
import { mistralForms } from '../mistral/chat-abilities.ts';
import { answerFromCompletion, choicesOf } from '../mistral/completion.ts';
import { messagesFrom } from '../mistral/messages.ts';
import { usageFrom } from '../mistral/result.ts';
import { toolsFrom } from '../mistral/tools.ts';
import type { ChatAbilities, ChatRequest, FunctionTool } from '../shared/chat/chat-request.ts';
import { inlineDataFrom } from '../shared/chat/data-url.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { ChatReader } from './body.ts';
import { temperatureFrom } from './parameters.ts';

const mistralChatAbilities: ChatAbilities = {
  ...mistralForms,
  parameters: new Set(['tools', 'tool_choice', 'parallel_tool_calls']),
};

/**
 * The body of Mistral's models that take messages: Mistral's own, with the parameters that AWS names. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html, read 2026-11.
 */
export function mistralChatFromChat(request: RequestLine, _target: RequestTarget, notes: TranslationNotes): JsonObject {
  const chat = parseChat(request, mistralChatAbilities, notes);
  const temperature = temperatureFrom(chat, notes);
  if (chat.isParallel === false) notes.drop('body.parallel_tool_calls');
  return {
    messages: messagesFrom(chat.messages, notes).map((message, index) =>
      withPlainContent(message, `body.messages[${index}]`, notes),
    ),
    ...toolMembers(chat, notes),
    ...(chat.maxTokens !== undefined && { max_tokens: chat.maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(chat.topP && { top_p: chat.topP.spelled() }),
  };
}

/** Content is a text; only with images, which some of the models see, it is of parts. */
function withPlainContent(message: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  const { content, prefix: _prefix, name: _name, ...others } = message;
  if (message.prefix === true) notes.drop('body.messages[].prefix');
  if (!Array.isArray(content)) return { ...others, content: content ?? '' };
  const parts = content.filter(isObject);
  parts.forEach((part, index) => {
    requireKnownPart(part, `${param}.content[${index}]`, notes);
  });
  const texts = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return { ...others, content: texts.length === parts.length ? texts.join('\n\n') : parts };
}

function requireKnownPart(part: JsonObject, param: string, notes: TranslationNotes): void {
  if (part.type === 'text') return;
  const url = objectOf(part.image_url)?.url ?? part.image_url;
  if (part.type !== 'image_url') throw notes.unsupported(param, 'send it as text');
  if (typeof url !== 'string' || !inlineDataFrom(url))
    throw notes.unsupported(`${param}.image_url.url`, 'Bedrock takes images as data URLs only');
}

/** It cannot be told which tool to call: of one tool, any is that one. */
function toolMembers({ tools, toolChoice }: ChatRequest, notes: TranslationNotes): JsonObject {
  const named = toolChoice?.type === 'function' ? toolChoice.name : null;
  const functions = tools.map((tool) => {
    if (tool.type === 'own') throw invalid('body.tools[].type', "'function'");
    return withoutStrict(tool, notes);
  });
  const chosen = named === null ? functions : functions.filter(({ name }) => name === named);
  const choice = toolChoice && choiceOf(toolChoice.type, notes);
  if (chosen.length === 0 && choice === 'any') throw invalid('body.tools', 'the tools to choose');
  if (chosen.length === 0) return {};
  return { tools: toolsFrom(chosen), ...(choice && { tool_choice: choice }) };
}

function choiceOf(type: NonNullable<ChatRequest['toolChoice']>['type'], notes: TranslationNotes): string {
  switch (type) {
    case 'auto':
    case 'none':
      return type;
    case 'required':
    case 'function':
      return 'any';
    case 'allowed':
      throw notes.unsupported('body.tool_choice', 'choose a function, or list fewer tools');
  }
}

function withoutStrict(tool: FunctionTool, notes: TranslationNotes): FunctionTool {
  if (tool.strict === true) notes.drop('body.tools[].function.strict');
  return { ...tool, strict: null };
}

export const mistralChatReader: ChatReader = {
  isAnswer: (output) => choicesOf(output).length > 0,
  usageOf: ({ usage }) => usageFrom(objectOf(usage)),
  answerOf: (output, { usage }) =>
    answerFromCompletion({ ...output, choices: choicesOf(output).map(withFinishReason) }, usage),
};

/** Mistral Large names the reason as AWS does, the later ones as Mistral does. */
function withFinishReason({ stop_reason: stopReason, ...choice }: JsonObject): JsonObject {
  return { finish_reason: stopReason, ...choice };
}
