import type { JsonObject } from '../../../records/json.ts';

/** One text goes as a string, which every server of chat completions takes; more than that as parts. */
export function textOrParts(parts: readonly JsonObject[]): string | readonly JsonObject[] {
  const [first, ...others] = parts;
  if (!first) return '';
  return others.length === 0 && first.type === 'text' && typeof first.text === 'string' ? first.text : parts;
}

export function textPart(text: unknown): JsonObject {
  return { type: 'text', text };
}
