import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';
import type { JsonObject } from '../../records/json.ts';
import type { AnswerFormat, SchemaFormat } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { isEnforceable } from './enforceable-schema.ts';

export interface OutputFormat {
  type: 'json_schema';
  schema: object;
}

/**
 * response_format -> output_config.format. A schema that Anthropic can enforce goes on as it is; any other is made to fit
 * by the SDK's own transform, and a warning says so.
 */
export function outputFormatFrom(format: AnswerFormat | null, notes: TranslationNotes): OutputFormat | undefined {
  switch (format?.type) {
    case undefined:
    case 'text':
      return undefined;
    case 'json_schema':
      return { type: 'json_schema', schema: fittingSchema(format, notes) };
    case 'json_object':
      throw notes.unsupported('body.response_format', "name the form with 'json_schema'");
  }
}

const param = 'body.response_format.json_schema';

function fittingSchema(format: SchemaFormat, notes: TranslationNotes): object {
  if (format.description !== null) notes.drop(`${param}.description`);
  // Names the dialect and constrains nothing.
  const { $schema: _dialect, ...schema } = format.schema;
  if (isEnforceable(schema)) {
    const { $schema: _sameDialect, ...exactSchema } = format.exactSchema();
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
