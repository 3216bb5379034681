import { countOf, isAbsent, membersBeyond, objectOf, textOf } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { RequestTarget } from '../contract.ts';
import type { AnswerChoice, AnswerPart } from '../shared/chat/chat-answer.ts';
import type { AnswerFormat, ChatAbilities, ChatRequest, SchemaFormat } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { ChatReader } from './body.ts';
import { answerOf } from './completion.ts';
import { type ConverseConversation, conversationFrom } from './conversation.ts';
import { withDistinctNames } from './document-names.ts';
import { temperatureFrom } from './parameters.ts';

const converseAbilities: ChatAbilities = { parameters: new Set(['stop', 'response_format']) };

/**
 * Converse, the one body that all models take which hold a conversation: in batches without tools. Sources:
 * @aws-sdk/client-bedrock-runtime 3.1164 `ConverseRequest`, `ConverseResponse`, and
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html
 */
export function converseBodyFromChat(
  request: RequestLine,
  _target: RequestTarget,
  notes: TranslationNotes,
): JsonObject {
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

export const converseReader: ChatReader = {
  isAnswer: (output) => isObject(objectOf(output.output)?.message),
  usageOf: ({ usage }) => usageFrom(objectOf(usage)),
  answerOf: (output, about) => {
    const blocks = contentOf(output).filter(isObject);
    const parts = blocks.flatMap(partsFrom);
    const known = finishReasons.get(output.stopReason);
    const finish = known ?? (parts.some(({ type }) => type === 'call') ? 'tool_calls' : 'stop');
    const isSilenced = finish === 'content_filter' && !parts.some(({ type }) => type === 'text');
    const choice = {
      parts,
      finish,
      isExplained: known !== undefined,
      refusal: isSilenced ? `The answer was stopped: ${textOf(output.stopReason)}.` : null,
      extra: extraOf(output),
    };
    return answerOf(choice, about);
  },
};

function contentOf(output: JsonObject): unknown[] {
  const content = objectOf(objectOf(output.output)?.message)?.content;
  return Array.isArray(content) ? content : [];
}

/** A block that says more than a chat completion can is kept whole beside what it says. Source: as above, `ContentBlock`. */
function partsFrom(block: JsonObject): AnswerPart[] {
  const { text, toolUse, reasoningContent, image, citationsContent } = block;
  if (typeof text === 'string') return withMore({ type: 'text', text }, block, textMembers);
  if (isObject(toolUse)) return [callFrom(toolUse)];
  if (isObject(reasoningContent)) return reasoningParts(reasoningContent, block);
  if (isObject(citationsContent)) return [...textsIn(citationsContent.content), { type: 'other', value: block }];
  const bytes = isObject(image) ? textOf(objectOf(image.source)?.bytes) : null;
  return isObject(image) && bytes !== null
    ? withMore({ type: 'picture', mediaType: `image/${textOf(image.format)}`, base64: bytes }, image, imageMembers)
    : [{ type: 'other', value: block }];
}

const textMembers: ReadonlySet<string> = new Set(['text']);
const imageMembers: ReadonlySet<string> = new Set(['format', 'source']);

/** @param said what of the value the part says. */
function withMore(part: AnswerPart, value: JsonObject, said: ReadonlySet<string>): AnswerPart[] {
  const more = membersBeyond(value, said);
  return more ? [part, { type: 'other', value: more }] : [part];
}

/** A signature is worth keeping; thoughts that are not shown stay as they are. */
function reasoningParts({ reasoningText }: JsonObject, block: JsonObject): AnswerPart[] {
  const shown = objectOf(reasoningText);
  const thought: AnswerPart[] = typeof shown?.text === 'string' ? [{ type: 'thinking', text: shown.text }] : [];
  const isWhole = thought.length > 0 && textOf(shown?.signature) === null;
  return isWhole ? thought : [...thought, { type: 'other', value: block }];
}

function textsIn(content: unknown): AnswerPart[] {
  const blocks = Array.isArray(content) ? content.filter(isObject) : [];
  return blocks.flatMap(({ text }) => (typeof text === 'string' ? [{ type: 'text', text }] : []));
}

/** Members of an answer that a chat completion says itself. */
const saidMembers: ReadonlySet<string> = new Set(['output', 'stopReason', 'usage', 'metrics', 'schemaVersion']);
const plainReasons: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  'end_turn',
  'max_tokens',
  'tool_use',
  'stop_sequence',
]);

/** What else is said: a guardrail's trace, fields of the model's own. */
function extraOf(output: JsonObject): JsonObject | null {
  const extra = membersBeyond(output, saidMembers);
  return plainReasons.has(output.stopReason) ? extra : { ...extra, stopReason: output.stopReason };
}

/** Tokens of a cache are counted apart; Converse and Nova's own body name them differently. */
function usageFrom(usage: JsonObject | null): Usage | null {
  if (!usage || (isAbsent(usage.inputTokens) && isAbsent(usage.outputTokens))) return null;
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

function callFrom(toolUse: JsonObject): AnswerPart {
  return {
    type: 'call',
    id: textOf(toolUse.toolUseId),
    name: textOf(toolUse.name) ?? '',
    argumentsJson: JSON.stringify(toolUse.input ?? {}),
    extra: membersBeyond(toolUse, callMembers),
  };
}

const callMembers: ReadonlySet<string> = new Set(['toolUseId', 'name', 'input']);

// Other reasons explain no empty answer. Source: @aws-sdk/client-bedrock-runtime 3.1164 `StopReason`.
const finishReasons = new Map<unknown, AnswerChoice['finish']>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
]);
