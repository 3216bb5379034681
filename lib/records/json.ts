/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = Record<string, unknown>;

/**
 * Tells a JSON object from an array, from null and from a number that `JSON.rawJSON` keeps in its own spelling. Asking V8 for the
 * last is a slow call; such a number has no prototype, so whatever has one is none.
 */
export function isObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return value instanceof Object || !JSON.isRawJSON(value);
}
