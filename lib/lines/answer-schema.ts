import { isObject, type JsonObject } from '../records/json.ts';

/**
 * The JSON Schema that a request asks its answer to fit: of a chat completion, of a response, or of a message in Anthropic's form.
 *
 * @param body the request's body, or its params.
 * @returns null where it asks for none.
 */
export function answerSchemaOf(body: JsonObject): JsonObject | null {
  const chat = memberOf(memberOf(body.response_format, 'json_schema'), 'schema');
  const response = memberOf(memberOf(body.text, 'format'), 'schema');
  const message = memberOf(memberOf(body.output_config, 'format'), 'schema') ?? memberOf(body.output_format, 'schema');
  return chat ?? response ?? message;
}

function memberOf(value: unknown, name: string): JsonObject | null {
  if (!isObject(value)) return null;
  const member = value[name];
  return isObject(member) ? member : null;
}

/** Members of a request that hold a schema: they are written as they stand, whatever they look like. */
export const schemaMembers: ReadonlySet<string> = new Set(['schema', 'json_schema', 'parameters', 'input_schema']);
