export interface JsonObject {
  [key: string]: unknown;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a text in it holds half of a surrogate pair, which Unicode has no place for and other parsers refuse. */
export function hasUnpairedSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return !value.isWellFormed();
  if (Array.isArray(value)) return value.some(hasUnpairedSurrogate);
  return isJsonObject(value) && Object.entries(value).flat().some(hasUnpairedSurrogate);
}

/** Parses JSON text; undefined (which JSON cannot express) when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
