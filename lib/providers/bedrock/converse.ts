import { countOf, objectOf, textOf } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { AnswerFormat, ChatAbilities, ChatRequest, SchemaFormat } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { AnswerReader } from './body.ts';
import { completionOf } from './completion.ts';
import { type ConverseConversation, conversationFrom } from './conversation.ts';
import { withDistinctNames } from './document-names.ts';
import { temperatureFrom } from './parameters.ts';

const converseAbilities: ChatAbilities = { parameters: new Set(['stop', 'response_format']) };

/**
 * Converse, the one body that all models take which hold a conversation: in batches without tools. Sources:
 * @aws-sdk/client-bedrock-runtime 3.1164 `ConverseRequest`, `ConverseResponse`, and
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html
 */
export function converseBodyFromChat(request: RequestLine, _model: string, notes: TranslationNotes): JsonObject {
  const chat = parseChat(request, converseAbilities, notes);
  const conversation = conversationFrom(chat.messages, { images: true, documents: true, tools: false }, notes);
  requireTextBesideDocuments(conversation);
  const textFormat = textFormatFrom(chat.format, notes);
  return {
    ...conversationBody(withDistinctNames(conversation, notes), chat, notes),
    ...(textFormat && { outputConfig: { textFormat } }),
  };
}

interface ConversationBody extends JsonObject {
  inferenceConfig?: JsonObject;
}

/** What Converse and Nova's own body have in common. */
export function conversationBody(
  { system, messages }: ConverseConversation,
  chat: ChatRequest,
  notes: TranslationNotes,
): ConversationBody {
  const { maxTokens, topP, stop } = chat;
  const temperature = temperatureFrom(chat, notes);
  const inferenceConfig = {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP && { topP: topP.spelled() }),
    ...(stop.length > 0 && { stopSequences: stop }),
  };
  return {
    ...(system.length > 0 && { system }),
    messages,
    ...(Object.keys(inferenceConfig).length > 0 && { inferenceConfig }),
  };
}

function requireTextBesideDocuments({ messages }: ConverseConversation): void {
  for (const { content } of messages) {
    const isBare = content.some((block) => 'document' in block) && !content.some((block) => 'text' in block);
    if (isBare) throw invalid('body.messages[].content', 'some text beside a document');
  }
}

/** Converse takes a schema as text. Not every model has it: Bedrock refuses it then. */
function textFormatFrom(format: AnswerFormat | null, notes: TranslationNotes): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
    case 'text':
      return undefined;
    case 'json_schema':
      return { type: 'json_schema', structure: { jsonSchema: jsonSchemaFrom(format) } };
    case 'json_object':
      throw notes.unsupported('body.response_format', "use 'json_schema'");
  }
}

function jsonSchemaFrom({ name, description, exactSchema }: SchemaFormat): JsonObject {
  return {
    schema: JSON.stringify(exactSchema()),
    ...(name !== null && { name }),
    ...(description !== null && { description }),
  };
}

export const converseReader: AnswerReader = {
  isAnswer: (output) => isObject(objectOf(output.output)?.message),
  usageOf: ({ usage }) => usageFrom(objectOf(usage)),
  isBroken: (output) => brokenReasons.has(output.stopReason) && saysNothing(contentOf(output).filter(isObject)),
  bodyOf: (output, about) => {
    const blocks = contentOf(output).filter(isObject);
    const toolCalls = blocks.flatMap(({ toolUse }) => (isObject(toolUse) ? [toolCallFrom(toolUse)] : []));
    const reasoning = reasoningIn(blocks);
    const content = textIn(blocks);
    const finishReason = finishReasonFrom(output.stopReason, toolCalls.length > 0);
    const isSilenced = finishReason === 'content_filter' && content === null;
    const message = {
      content,
      refusal: isSilenced ? `The answer was stopped: ${textOf(output.stopReason)}.` : null,
      ...(reasoning !== null && { reasoning_content: reasoning }),
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    };
    return completionOf(message, finishReason, about);
  },
};

// Source: @aws-sdk/client-bedrock-runtime 3.1164 `StopReason`.
const brokenReasons: ReadonlySet<unknown> = new Set(['malformed_model_output', 'malformed_tool_use']);

function saysNothing(blocks: readonly JsonObject[]): boolean {
  return !textIn(blocks) && !blocks.some(({ toolUse }) => isObject(toolUse));
}

function contentOf(output: JsonObject): unknown[] {
  const content = objectOf(objectOf(output.output)?.message)?.content;
  return Array.isArray(content) ? content : [];
}

/** Tokens of a cache are counted apart; Converse and Nova's own body name them differently. */
function usageFrom(usage: JsonObject | null): Usage | null {
  if (!usage) return null;
  const cached = countOf(usage.cacheReadInputTokens) || countOf(usage.cacheReadInputTokenCount);
  const written = countOf(usage.cacheWriteInputTokens) || countOf(usage.cacheWriteInputTokenCount);
  return usageOf({
    input: countOf(usage.inputTokens) + cached + written,
    cached,
    written,
    writtenForHour: writtenForHour(usage.cacheDetails),
    output: countOf(usage.outputTokens),
  });
}

/** Source: @aws-sdk/client-bedrock-runtime 3.1164 `CacheDetail`. */
function writtenForHour(details: unknown): number {
  const entries = Array.isArray(details) ? details.filter(isObject) : [];
  return entries.reduce((sum, { ttl, inputTokens }) => (ttl === '1h' ? sum + countOf(inputTokens) : sum), 0);
}

function textIn(blocks: readonly JsonObject[]): string | null {
  const texts = blocks.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return texts.length > 0 ? texts.join('') : null;
}

function reasoningIn(blocks: readonly JsonObject[]): string | null {
  const texts = blocks.flatMap(({ reasoningContent }) => {
    const text = objectOf(objectOf(reasoningContent)?.reasoningText)?.text;
    return typeof text === 'string' ? [text] : [];
  });
  return texts.length > 0 ? texts.join('') : null;
}

function toolCallFrom(toolUse: JsonObject): JsonObject {
  return {
    id: textOf(toolUse.toolUseId),
    type: 'function',
    function: { name: textOf(toolUse.name) ?? '', arguments: JSON.stringify(toolUse.input ?? {}) },
  };
}

// Reasons that are not here end an answer as `stop`. Source: @aws-sdk/client-bedrock-runtime 3.1164 `StopReason`.
const finishReasons = new Map<unknown, 'length' | 'content_filter'>([
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
]);

function finishReasonFrom(stopReason: unknown, hasToolCalls: boolean): string {
  return finishReasons.get(stopReason) ?? (hasToolCalls ? 'tool_calls' : 'stop');
}
