import { membersOf } from '../../core/json-spans.ts';
import type { RequestLine } from '../../core/request-line.ts';
import { drop } from '../anthropic/dropped-parameters.ts';
import { type MessagesParams, messagesFromChat } from '../anthropic/messages-from-chat.ts';
import { unsupported } from '../anthropic/untranslatable-error.ts';
import type { Warning } from '../provider.ts';

/**
 * The body of InvokeModel for Claude: that of the Messages API without `model` and `stream`, and with a version. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html, read 2026-11.
 */
const anthropicVersion = 'bedrock-2023-05-31';

/** The job says which model it is; whether it streams is the call's name. */
const notInBody: ReadonlySet<string> = new Set(['model', 'stream']);

/**
 * Translates the body of a chat completion.
 *
 * @param warnings receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export function claudeBodyFromChat(request: RequestLine, model: string, warnings: Map<string, Warning>): Buffer {
  const { model: _jobHasIt, metadata, ...params } = messagesFromChat(request, model, warnings);
  refuseImageUrls(params.messages);
  if (metadata) drop('body.user', warnings, 'Bedrock does not list it for Claude');
  return Buffer.from(JSON.stringify({ anthropic_version: anthropicVersion, ...params }));
}

/** Bedrock fetches nothing. */
function refuseImageUrls(messages: MessagesParams['messages']): void {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const isUrl = blocks.some((block) => block.type === 'image' && block.source.type === 'url');
  if (isUrl) throw unsupported('body.messages[].content[].image_url.url', 'Bedrock takes images as data URLs only');
}

/** A Messages body that the customer wrote: each value in its own bytes. @param version unless it names one. */
export function claudeBodyFromMessages({ bytes, format }: RequestLine, version = anthropicVersion): Buffer {
  const bodyKey = format === 'anthropic' ? 'params' : 'body';
  const body = membersOf(bytes).find(({ key }) => key === bodyKey);
  const members = body ? membersOf(bytes, body.start) : [];
  const kept = members.filter(({ key }) => !notInBody.has(key));
  const hasVersion = kept.some(({ key }) => key === 'anthropic_version');
  const versionMember = hasVersion ? [] : [Buffer.from(`,"anthropic_version":"${version}"`)];
  const own = kept.flatMap(({ key, start, end }) => [
    Buffer.from(`,${JSON.stringify(key)}:`),
    bytes.subarray(start, end),
  ]);
  return Buffer.concat([Buffer.from('{'), Buffer.concat([...versionMember, ...own]).subarray(1), Buffer.from('}')]);
}
