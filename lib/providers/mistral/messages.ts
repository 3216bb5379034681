import type { JsonObject } from '../../records/json.ts';
import type { AssistantMessage, ChatMessage, ToolCall } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { contentFrom } from './content.ts';
import { ToolCallIds } from './tool-call-ids.ts';

/**
 * Chat messages -> Mistral's, one for one. Source: @mistralai/mistralai 2.7 `SystemMessage`, `UserMessage`,
 * `AssistantMessage`, `ToolMessage`.
 */
export function messagesFrom(messages: readonly ChatMessage[], notes: TranslationNotes): JsonObject[] {
  if (messages.length === 0) throw invalid('body.messages', 'at least one message');
  const ids = new ToolCallIds();
  return messages.map((message) => messageFrom(message, ids, notes));
}

function messageFrom(message: ChatMessage, ids: ToolCallIds, notes: TranslationNotes): JsonObject {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: contentFrom(message.content, message.param, notes) };
    case 'assistant':
      return assistantFrom(message, ids, notes);
    case 'tool':
      return {
        role: 'tool',
        tool_call_id: ids.idFor(message.callId),
        ...(message.name !== null && { name: message.name }),
        content: contentFrom(message.content, message.param, notes),
      };
  }
}

/** What says nothing beside calls is left out. */
function assistantFrom(message: AssistantMessage, ids: ToolCallIds, notes: TranslationNotes): JsonObject {
  const { content, calls, prefix, param } = message;
  const said = calls.length > 0 && content?.length === 0 && typeof content !== 'string' ? null : content;
  if (said === null && calls.length === 0) throw invalid(`${param}.content`, 'some content');
  return {
    role: 'assistant',
    ...(said !== null && { content: contentFrom(said, param, notes) }),
    ...(calls.length > 0 && { tool_calls: calls.map((call) => callFrom(call, ids)) }),
    ...(prefix !== null && { prefix }),
  };
}

function callFrom({ id, name, argumentsJson }: ToolCall, ids: ToolCallIds): JsonObject {
  return { id: ids.idFor(id), type: 'function', function: { name, arguments: argumentsJson } };
}
