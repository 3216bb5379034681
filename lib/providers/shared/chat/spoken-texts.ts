import type { OwnPart, SpokenPart } from './chat-request.ts';
import { invalid } from './untranslatable-error.ts';

/** The texts of a message of any role but the user's, in their order. Empty ones say nothing. */
export function spokenTexts(content: string | readonly SpokenPart[] | null): string[] {
  if (content === null || content === '') return [];
  if (typeof content === 'string') return [content];
  return content.flatMap((part) => (part.type === 'text' ? part.text || [] : foreignPart(part, "'text'")));
}

/** A part in a provider's own form, where another provider is asked, who knows these types. */
export function foreignPart({ param }: OwnPart, types: string): never {
  throw invalid(`${param}.type`, types);
}
