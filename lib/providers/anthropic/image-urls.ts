import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import type { MessagesParams } from './messages-from-chat.ts';

/**
 * Where a cloud runs Claude, it fetches no images. Source: https://platform.claude.com/docs/en/build-with-claude/vision, read 2026-11 (Amazon
 * Bedrock and Google Cloud).
 *
 * @throws UntranslatableError where a message shows an image by its URL.
 */
export function refuseImageUrls({ messages }: MessagesParams, cloud: string, notes: TranslationNotes): void {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  const isUrl = blocks.some((block) => block.type === 'image' && block.source.type === 'url');
  if (isUrl)
    throw notes.unsupported('body.messages[].content[].image_url.url', `${cloud} takes images as data URLs only`);
}
