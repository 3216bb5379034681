import { exactBody } from '../../lines/exact-body.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { callsTools, conversationFrom } from './conversation.ts';
import { conversationBody } from './converse.ts';
import { reasoningConfigFrom } from './nova-reasoning.ts';
import { judgeParameters, samplingFrom } from './parameters.ts';
import { toolConfigFrom } from './tools.ts';

const taken = ['stop', 'tools', 'tool_choice', 'parallel_tool_calls', 'reasoning_effort'];

/**
 * Nova's own body: like Converse's, with tools and without documents; its answer is Converse's. Source:
 * https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html, read 2026-11.
 */
export function novaBodyFromChat(request: RequestLine, model: string, notes: TranslationNotes): JsonObject {
  const { body } = request;
  judgeParameters(body, taken, notes);
  const exact = exactBody(request);
  const conversation = conversationFrom(body.messages, { images: true, documents: false, tools: true }, notes);
  const toolConfig = toolConfigFrom(body, exact, callsTools(conversation), notes);
  const { inferenceConfig, ...said } = conversationBody(conversation, samplingFrom(body, exact, notes));
  const reasoningConfig = reasoningConfigFrom(body, model, notes);
  const config = { ...inferenceConfig, ...(reasoningConfig && { reasoningConfig }) };
  return {
    schemaVersion: 'messages-v1',
    ...said,
    ...(Object.keys(config).length > 0 && { inferenceConfig: config }),
    ...(toolConfig && { toolConfig }),
  };
}
