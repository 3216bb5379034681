import { isJsonObject, type JsonObject } from '../json.ts';

/**
 * What OpenAI's strict mode has against a JSON schema; null if nothing.
 *
 * Source: the structured outputs guide: the root is an object, and every object closes itself and requires all of
 * its properties.
 */
export function strictSchemaComplaint(schema: JsonObject): string | null {
  if (schema.type !== 'object') {
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${String(schema.type ?? 'None')}"'.`;
  }
  return complaintAbout(schema, []);
}

function complaintAbout(schema: unknown, context: string[]): string | null {
  if (!isJsonObject(schema)) return null;
  return objectComplaint(schema, context) ?? complaintAboutParts(schema, context);
}

function objectComplaint(schema: JsonObject, context: string[]): string | null {
  if (!isJsonObject(schema.properties) && schema.type !== 'object') return null;
  const place = `In context=(${context.map((name) => `'${name}'`).join(', ')})`;
  if (schema.additionalProperties !== false) {
    return `${place}, 'additionalProperties' is required to be supplied and to be false.`;
  }
  const names = Object.keys(isJsonObject(schema.properties) ? schema.properties : {});
  const required: unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const missing = names.find((name) => !required.includes(name));
  if (missing === undefined) return null;
  return `${place}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
}

function complaintAboutParts(schema: JsonObject, context: string[]): string | null {
  for (const keyword of ['properties', '$defs', 'definitions']) {
    const parts = schema[keyword];
    for (const [name, part] of Object.entries(isJsonObject(parts) ? parts : {})) {
      const complaint = complaintAbout(part, [...context, keyword, name]);
      if (complaint !== null) return complaint;
    }
  }
  const branches: unknown[] = Array.isArray(schema.anyOf) ? schema.anyOf : [];
  for (const [position, part] of [...branches, schema.items].entries()) {
    const complaint = complaintAbout(part, [...context, position < branches.length ? 'anyOf' : 'items']);
    if (complaint !== null) return complaint;
  }
  return null;
}
