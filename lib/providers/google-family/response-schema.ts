import { isObject, type JsonObject } from '../../records/json.ts';

/**
 * A JSON schema -> Google's `Schema`, a part of OpenAPI 3.0, which batches are known to hold models to. With `responseJsonSchema` none of 502
 * answers of a batch had the form that single calls gave (crmne/ruby_llm#894, August 2026; others reported the same). Source:
 * https://ai.google.dev/api/caching#Schema
 *
 * @param schema its numbers may be in their own spelling (`parseExact`).
 * @returns null for a schema that says more than a `Schema` can.
 */
export function responseSchemaFrom(schema: JsonObject): JsonObject | null {
  if (!isWhole(schema)) return null;
  const translated: JsonObject = {};
  for (const keyword in schema) {
    const value = schema[keyword];
    if (silent.has(keyword) || (keyword === 'additionalProperties' && value === false)) continue;
    const member = translateMember(keyword, value, schema);
    if (!member) return null;
    Object.assign(translated, member);
  }
  if (isObject(schema.properties)) translated.propertyOrdering = Object.keys(schema.properties);
  return translated;
}

/**
 * Google refuses objects without properties, properties of what is no object, and arrays without items. Sources:
 * browser-use/browser-use#3786, anomalyco/opencode#11889.
 */
function isWhole({ type, properties, required, items }: JsonObject): boolean {
  const kinds: readonly unknown[] = Array.isArray(type) ? type : [type];
  if (kinds.includes('object')) return isObject(properties) && Object.keys(properties).length > 0;
  return properties === undefined && required === undefined && (!kinds.includes('array') || isObject(items));
}

/** Others are refused. Source: google-gemini/gemini-cli#3178. */
const formats: ReadonlySet<unknown> = new Set(['date-time', 'int32', 'int64', 'float', 'double']);

/** What constrains nothing. */
const silent: ReadonlySet<string> = new Set(['$schema', '$id', '$comment', 'examples']);

/** Keywords that mean the same in both. */
const alike: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'required',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  'pattern',
  'minimum',
  'maximum',
  'nullable',
]);

function translateMember(keyword: string, value: unknown, schema: JsonObject): JsonObject | null {
  if (alike.has(keyword)) return { [keyword]: value };
  switch (keyword) {
    case 'type':
      return typeFrom(value);
    case 'format':
      return formats.has(value) ? { format: value } : null;
    case 'enum':
      return areTexts(value) && schema.type === 'string' ? { enum: value } : null;
    case 'const':
      return typeof value === 'string' && schema.type === 'string' ? { enum: [value] } : null;
    case 'items':
      return member('items', isObject(value) ? responseSchemaFrom(value) : null);
    case 'anyOf':
      return member('anyOf', all(Array.isArray(value) ? value : []));
    case 'properties':
      return member('properties', propertiesFrom(value));
    default:
      return null;
  }
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function member(name: string, value: unknown): JsonObject | null {
  return value === null ? null : { [name]: value };
}

const types: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);

/** A type, or one that may be null. */
function typeFrom(type: unknown): JsonObject | null {
  const all: readonly unknown[] = Array.isArray(type) ? type : [type];
  const [only, ...others] = all.filter((name) => name !== 'null');
  if (!types.has(only) || others.length > 0) return null;
  return { type: String(only).toUpperCase(), ...(all.includes('null') && { nullable: true }) };
}

function all(schemas: readonly unknown[]): JsonObject[] | null {
  const translated = schemas.map((schema) => (isObject(schema) ? responseSchemaFrom(schema) : null));
  const known = translated.filter((schema) => schema !== null);
  return known.length === schemas.length && known.length > 0 ? known : null;
}

function propertiesFrom(properties: unknown): JsonObject | null {
  if (!isObject(properties)) return null;
  const translated = all(Object.values(properties));
  const names = Object.keys(properties);
  return translated && Object.fromEntries(names.map((name, place) => [name, translated[place]]));
}
