import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { unnamedDocument } from './content.ts';
import type { ConverseConversation } from './conversation.ts';

// Source: @aws-sdk/client-bedrock-runtime 3.1164 `DocumentBlock.name`.
const maxNameLength = 200;

/** Bedrock refuses a conversation that has two documents of one name, whatever their case. */
export function withDistinctNames(
  { system, messages }: ConverseConversation,
  notes: TranslationNotes,
): ConverseConversation {
  const names = new DistinctNames();
  const turns = messages.map(({ role, content }) => ({
    role,
    content: content.map((block) => {
      if (!('document' in block)) return block;
      const given = block.document.name;
      const name = names.add(given);
      if (name !== given && given !== unnamedDocument)
        notes.change('body.messages[].content[].file.filename', 'Bedrock takes each name once');
      return { document: { ...block.document, name } };
    }),
  }));
  return { system, messages: turns };
}

class DistinctNames {
  readonly #taken = new Set<string>();
  /** By name, the last number that it was tried with. */
  readonly #numbers = new Map<string, number>();

  /** @returns the name, or where it is taken the name with the next free number. */
  add(name: string): string {
    let distinct = name;
    while (this.#taken.has(distinct.toLowerCase())) distinct = withNumber(name, this.#nextNumber(name.toLowerCase()));
    this.#taken.add(distinct.toLowerCase());
    return distinct;
  }

  #nextNumber(name: string): number {
    const next = (this.#numbers.get(name) ?? 1) + 1;
    this.#numbers.set(name, next);
    return next;
  }
}

function withNumber(name: string, number: number): string {
  const suffix = ` ${number}`;
  return `${name.slice(0, maxNameLength - suffix.length).trimEnd()}${suffix}`;
}
