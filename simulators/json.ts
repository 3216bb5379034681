export interface JsonObject {
  [key: string]: unknown;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether a value holds half of a surrogate pair, which Unicode has no place for and other parsers refuse.
 *
 * @param text from which it was parsed: bytes of UTF-8 once, so that only an escape can bring one.
 */
export function hasUnpairedSurrogate(text: string, value: unknown): boolean {
  return /\\u[dD][89a-fA-F]/.test(text) && hasHalfPair(value);
}

function hasHalfPair(value: unknown): boolean {
  if (typeof value === 'string') return !value.isWellFormed();
  if (Array.isArray(value)) return value.some(hasHalfPair);
  return isJsonObject(value) && Object.entries(value).flat().some(hasHalfPair);
}

/** Parses JSON text; undefined (which JSON cannot express) when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
