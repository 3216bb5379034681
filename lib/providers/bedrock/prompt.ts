import type { ChatMessage } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { conversationFrom } from './conversation.ts';

/** A conversation of texts, for models that take one prompt. */
export interface TextConversation {
  /** Empty where there is none. */
  system: string;
  /** Messages of user and assistant in turn; the first and the last are the user's. */
  turns: { role: 'user' | 'assistant'; text: string }[];
}

/** @param controls what the model takes for the beginning or end of a turn: a text that has it would forge one. */
export function textConversationFrom(
  chatMessages: readonly ChatMessage[],
  controls: RegExp,
  notes: TranslationNotes,
): TextConversation {
  const { system, messages } = conversationFrom(chatMessages, { images: false, documents: false, tools: false }, notes);
  if (messages.at(-1)?.role !== 'user') throw invalid('body.messages', 'a user message at the end');
  const textOf = (blocks: readonly object[]) => withoutControls(joinTexts(blocks), controls, notes);
  return { system: textOf(system), turns: messages.map(({ role, content }) => ({ role, text: textOf(content) })) };
}

function withoutControls(text: string, controls: RegExp, notes: TranslationNotes): string {
  return text.replace(controls, (control) => {
    notes.change(
      'body.messages[].content',
      `the model's own '${control}' has a space in it, so that it is read as text`,
    );
    return `${control.slice(0, 1)} ${control.slice(1)}`;
  });
}

function joinTexts(blocks: readonly object[]): string {
  return blocks
    .flatMap((block) => ('text' in block && typeof block.text === 'string' ? [block.text] : []))
    .join('\n\n');
}
