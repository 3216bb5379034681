import { isObject, type JsonObject } from '../../../records/json.ts';

/** The strict mode of chat completions takes closed objects only, with all their members required. */
export function mayBeStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(mayBeStrict);
  if (!isObject(schema)) return true;
  return isClosed(schema) && Object.values(schema).every(mayBeStrict);
}

function isClosed({ type, properties, additionalProperties, required }: JsonObject): boolean {
  if (type !== 'object' && !isObject(properties)) return true;
  const names = Object.keys(isObject(properties) ? properties : {});
  const demanded: unknown[] = Array.isArray(required) ? required : [];
  return additionalProperties === false && names.every((name) => demanded.includes(name));
}
