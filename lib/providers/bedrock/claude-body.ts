import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import { type MessagesParams, messagesFromChat } from '../anthropic/messages-from-chat.ts';
import { modelFreeBody } from '../anthropic/model-free-body.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';

/**
 * The body of InvokeModel for Claude: that of the Messages API without `model` and `stream`, and with a version. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html, read 2026-11.
 */
const anthropicVersion = 'bedrock-2023-05-31';

export function claudeBodyFromChat(request: RequestLine, model: string, notes: TranslationNotes): JsonObject {
  const { model: _jobHasIt, metadata, ...params } = messagesFromChat(request, model, notes);
  refuseImageUrls(params.messages, notes);
  if (metadata) notes.drop('body.user', 'Bedrock does not list it for Claude');
  return { anthropic_version: anthropicVersion, ...params };
}

/** Bedrock fetches nothing. */
function refuseImageUrls(messages: MessagesParams['messages'], notes: TranslationNotes): void {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const isUrl = blocks.some((block) => block.type === 'image' && block.source.type === 'url');
  if (isUrl)
    throw notes.unsupported('body.messages[].content[].image_url.url', 'Bedrock takes images as data URLs only');
}

/** A Messages body that the customer wrote: each value in its own bytes. */
export function claudeBodyFromMessages(request: RequestLine): Buffer {
  return modelFreeBody(request, anthropicVersion);
}
