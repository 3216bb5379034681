import type { JsonObject, RequestLine } from '../../core/request-line.ts';
import { exactBody } from '../exact-body.ts';
import type { TranslationNotes } from '../translation-notes.ts';
import { callsTools, conversationFrom } from './conversation.ts';
import { conversationBody } from './converse.ts';
import { judgeParameters, samplingFrom } from './parameters.ts';
import { toolConfigFrom } from './tools.ts';

const taken = ['stop', 'tools', 'tool_choice', 'parallel_tool_calls'];

/**
 * Nova's own body: like Converse's, with tools and without documents; its answer is Converse's. Source:
 * https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html, read 2026-11.
 */
export function novaBodyFromChat(request: RequestLine, _model: string, notes: TranslationNotes): JsonObject {
  const { body } = request;
  judgeParameters(body, taken, notes);
  const exact = exactBody(request);
  const conversation = conversationFrom(body.messages, { images: true, documents: false, tools: true }, notes);
  const toolConfig = toolConfigFrom(body, exact, callsTools(conversation), notes);
  return {
    schemaVersion: 'messages-v1',
    ...conversationBody(conversation, samplingFrom(body, exact, notes)),
    ...(toolConfig && { toolConfig }),
  };
}
