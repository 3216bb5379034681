import { isAbsent } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import { refuseImageUrls } from '../anthropic/image-urls.ts';
import { type MessagesParams, messagesFromChat } from '../anthropic/messages-from-chat.ts';
import { modelFreeBody } from '../anthropic/model-free-body.ts';
import type { RequestTarget } from '../contract.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { plainModelName } from '../shared/model-rules.ts';

/**
 * The body of InvokeModel for Claude: that of the Messages API without `model` and `stream`, and with a version. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html, read 2026-11.
 */
const anthropicVersion = 'bedrock-2023-05-31';

export function claudeBodyFromChat(request: RequestLine, target: RequestTarget, notes: TranslationNotes): JsonObject {
  const { metadata, ...whole } = messagesFromChat(request, target, notes);
  refuseImageUrls(whole, 'Bedrock', notes);
  const { model: _jobHasIt, ...params } = whole;
  const user = isAbsent(request.body.safety_identifier) ? 'body.user' : 'body.safety_identifier';
  if (metadata) notes.drop(user, 'Bedrock does not list it for Claude');
  return { anthropic_version: anthropicVersion, ...params, ...forcedToolOf(params, target.model) };
}

/**
 * There Sonnet 5 takes a forced tool only where it is told not to think. Source: https://github.com/anthropics/skills
 * (skills/claude-api/shared/model-migration.md), read 2026-11.
 */
function forcedToolOf({ tool_choice: choice }: Pick<MessagesParams, 'tool_choice'>, model: string): JsonObject {
  const isForced = choice?.type === 'any' || choice?.type === 'tool';
  return isForced && plainModelName(model) === 'claude-sonnet-5' ? { thinking: { type: 'disabled' } } : {};
}

/** A Messages body that the customer wrote: each value in its own bytes. */
export function claudeBodyFromMessages(request: RequestLine): Buffer {
  return modelFreeBody(request, anthropicVersion);
}
