import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';
import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { isEnforceable } from './enforceable-schema.ts';

export interface OutputFormat {
  type: 'json_schema';
  schema: object;
}

/**
 * response_format -> output_config.format. A schema that Anthropic can enforce goes on as it is; any other is made to fit
 * by the SDK's own transform, and a warning says so.
 *
 * @param exact `body.response_format` with its numbers as the customer wrote them.
 */
export function outputFormatFrom(
  format: unknown,
  exact: () => unknown,
  notes: TranslationNotes,
): OutputFormat | undefined {
  if (isAbsent(format)) return undefined;
  if (!isObject(format)) throw invalid('body.response_format', 'an object');
  switch (format.type) {
    case 'text':
      return undefined;
    case 'json_schema':
      return { type: 'json_schema', schema: fittingSchema(format.json_schema, exact, notes) };
    case 'json_object':
      throw notes.unsupported('body.response_format', "name the form with 'json_schema'");
    default:
      throw invalid('body.response_format.type', "'text' or 'json_schema'");
  }
}

const param = 'body.response_format.json_schema';

function fittingSchema(jsonSchema: unknown, exact: () => unknown, notes: TranslationNotes): object {
  if (!isObject(jsonSchema) || !isObject(jsonSchema.schema)) throw invalid(`${param}.schema`, 'a JSON schema');
  if (!isAbsent(jsonSchema.description)) notes.drop(`${param}.description`);
  // Names the dialect and constrains nothing.
  const { $schema: _dialect, ...schema } = jsonSchema.schema;
  if (isEnforceable(schema)) {
    const { $schema: _sameDialect, ...exactSchema } = exactSchemaFrom(exact()) ?? schema;
    return exactSchema;
  }
  notes.change(`${param}.schema`, 'what Anthropic cannot enforce became part of a description');
  return transformSchema(schema, notes);
}

function transformSchema(schema: JsonObject, notes: TranslationNotes): JsonObject {
  try {
    return transformJSONSchema(schema);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw notes.unsupported(`${param}.schema`, 'give every part of the schema a type, anyOf, enum, const or $ref');
  }
}

function exactSchemaFrom(format: unknown): JsonObject | undefined {
  if (!isObject(format) || !isObject(format.json_schema)) return undefined;
  return isObject(format.json_schema.schema) ? format.json_schema.schema : undefined;
}
