import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import type { RequestTarget } from '../contract.ts';
import type { ChatAbilities } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { callsTools, conversationFrom } from './conversation.ts';
import { conversationBody } from './converse.ts';
import { reasoningConfigFrom } from './nova-reasoning.ts';
import { toolConfigFrom } from './tools.ts';

const novaAbilities: ChatAbilities = {
  parameters: new Set(['stop', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning_effort']),
};

/**
 * Nova's own body: like Converse's, with tools and without documents; its answer is Converse's. Source:
 * https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html, read 2026-11.
 */
export function novaBodyFromChat(request: RequestLine, { model }: RequestTarget, notes: TranslationNotes): JsonObject {
  const chat = parseChat(request, novaAbilities, notes);
  const conversation = conversationFrom(chat.messages, { images: true, documents: false, tools: true }, notes);
  const toolConfig = toolConfigFrom(chat, callsTools(conversation), notes);
  const { inferenceConfig, ...said } = conversationBody(conversation, chat, notes);
  const reasoningConfig = reasoningConfigFrom(chat, model, notes);
  const config = { ...inferenceConfig, ...(reasoningConfig && { reasoningConfig }) };
  return {
    schemaVersion: 'messages-v1',
    ...said,
    ...(Object.keys(config).length > 0 && { inferenceConfig: config }),
    ...(toolConfig && { toolConfig }),
  };
}
