import { stripVTControlCharacters } from 'node:util';

/** Text from elsewhere, such as a custom_id or a provider's message, without what would steer the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => visible(character));
}

function visible(character: string): string {
  return /\s/.test(character) ? ' ' : '\u{FFFD}';
}
