import { isJsonObject, type JsonObject } from '../json.ts';

/** Keywords that structured outputs do not take. Source: the structured outputs guide. */
const unsupportedByType: Record<string, string[]> = {
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength'],
  array: ['maxItems', 'uniqueItems'],
};

/** What structured outputs have against a JSON schema; null if nothing. */
export function outputSchemaComplaint(schema: unknown): string | null {
  if (!isJsonObject(schema)) return null;
  return ownComplaint(schema) ?? complaintAboutParts(schema);
}

function ownComplaint(schema: JsonObject): string | null {
  const type = String(schema.type);
  if (type === 'object' && schema.additionalProperties !== false) {
    return "For 'object' type, 'additionalProperties' must be explicitly set to false";
  }
  const unsupported = unsupportedByType[type]?.find((keyword) => keyword in schema);
  if (unsupported !== undefined) return `For '${type}' type, property '${unsupported}' is not supported`;
  const tooMany = type === 'array' && typeof schema.minItems === 'number' && schema.minItems > 1;
  return tooMany ? "For 'array' type, 'minItems' values other than 0 or 1 are not supported" : null;
}

function complaintAboutParts(schema: JsonObject): string | null {
  const parts: unknown[] = [schema.items];
  for (const keyword of ['properties', '$defs', 'definitions']) {
    const named = schema[keyword];
    if (isJsonObject(named)) parts.push(...Object.values(named));
  }
  for (const keyword of ['anyOf', 'allOf']) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) parts.push(...branches);
  }
  for (const part of parts) {
    const complaint = outputSchemaComplaint(part);
    if (complaint !== null) return complaint;
  }
  return null;
}
