import type { TranslationNotes } from '../translation-notes.ts';
import { invalid } from '../untranslatable-error.ts';
import { conversationFrom } from './conversation.ts';

/** A conversation of texts, for models that take one prompt. */
export interface TextConversation {
  /** Empty where there is none. */
  system: string;
  /** Of user and assistant in turn; the user's are the first and the last. */
  turns: { role: 'user' | 'assistant'; text: string }[];
}

export function textConversationFrom(chatMessages: unknown, notes: TranslationNotes): TextConversation {
  const { system, messages } = conversationFrom(chatMessages, { images: false, documents: false, tools: false }, notes);
  if (messages.at(-1)?.role !== 'user') throw invalid('body.messages', 'a user message at the end');
  return { system: joined(system), turns: messages.map(({ role, content }) => ({ role, text: joined(content) })) };
}

function joined(blocks: readonly object[]): string {
  return blocks
    .flatMap((block) => ('text' in block && typeof block.text === 'string' ? [block.text] : []))
    .join('\n\n');
}
