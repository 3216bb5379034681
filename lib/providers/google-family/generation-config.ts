import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { maxTokensFrom, stopSequencesFrom } from '../shared/chat/chat-parameters.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { type ThinkingConfig, thinkingFrom } from './thinking.ts';

/** What a chat completion can ask for. Source: @google/genai 3.1 `GenerationConfig`. */
export interface GenerationConfig {
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  seed?: number;
  candidateCount?: number;
  stopSequences?: string[];
  responseLogprobs?: true;
  logprobs?: number;
  responseMimeType?: 'application/json';
  responseJsonSchema?: object;
  thinkingConfig?: ThinkingConfig;
}

/** @param exact the body with its numbers as they were written. */
export function generationConfigFrom(
  body: JsonObject,
  exact: () => JsonObject,
  model: string,
  notes: TranslationNotes,
): GenerationConfig {
  const stopSequences = stopSequencesFrom(body.stop);
  const thinkingConfig = thinkingFrom(body, model, notes);
  return {
    ...given('maxOutputTokens', maxTokensFrom(body, notes)),
    ...given('temperature', numberOf(body, 'temperature', 0, 2)),
    ...given('topP', numberOf(body, 'top_p', 0, 1)),
    ...given('presencePenalty', numberOf(body, 'presence_penalty', -2, 2)),
    ...given('frequencyPenalty', numberOf(body, 'frequency_penalty', -2, 2)),
    ...given('seed', seedFrom(body, notes)),
    ...given('candidateCount', wholeNumberOf(body, 'n', 1, 8)),
    ...(stopSequences.length > 0 && { stopSequences }),
    ...logprobsFrom(body, notes),
    ...formatFrom(body.response_format, exact, notes),
    ...(thinkingConfig && { thinkingConfig }),
  };
}

function given<Name extends string>(name: Name, value: number | undefined): { [Key in Name]?: number } {
  const config: { [Key in Name]?: number } = {};
  return value === undefined ? config : Object.assign(config, { [name]: value });
}

function numberOf(body: JsonObject, name: string, least: number, most: number): number | undefined {
  const value = body[name];
  if (isAbsent(value)) return undefined;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw invalid(`body.${name}`, `a number from ${least} to ${most}`);
}

function wholeNumberOf(body: JsonObject, name: string, least: number, most: number): number | undefined {
  const value = numberOf(body, name, least, most);
  if (value === undefined || Number.isInteger(value)) return value;
  throw invalid(`body.${name}`, `a whole number from ${least} to ${most}`);
}

/** Gemini's seed is an int32, OpenAI's an int64. */
function seedFrom(body: JsonObject, notes: TranslationNotes): number | undefined {
  const { seed } = body;
  if (isAbsent(seed)) return undefined;
  if (typeof seed !== 'number' || !Number.isInteger(seed)) throw invalid('body.seed', 'a whole number');
  if (seed === Math.trunc(seed) && Math.abs(seed) < 2 ** 31) return seed;
  notes.drop('body.seed', 'Gemini takes one of 32 bits');
  return undefined;
}

function logprobsFrom(
  body: JsonObject,
  notes: TranslationNotes,
): Pick<GenerationConfig, 'responseLogprobs' | 'logprobs'> {
  if (isAbsent(body.logprobs) || body.logprobs === false) {
    if (!isAbsent(body.top_logprobs) && body.top_logprobs !== 0)
      notes.drop('body.top_logprobs', "it needs 'logprobs' beside it");
    return {};
  }
  if (body.logprobs !== true) throw invalid('body.logprobs', 'true or false');
  return { responseLogprobs: true, ...given('logprobs', wholeNumberOf(body, 'top_logprobs', 0, 20)) };
}

type Format = Pick<GenerationConfig, 'responseMimeType' | 'responseJsonSchema'>;

function formatFrom(format: unknown, exact: () => JsonObject, notes: TranslationNotes): Format {
  if (isAbsent(format)) return {};
  if (!isObject(format)) throw invalid('body.response_format', 'an object');
  switch (format.type) {
    case 'text':
      return {};
    case 'json_object':
      return { responseMimeType: 'application/json' };
    case 'json_schema':
      return {
        responseMimeType: 'application/json',
        responseJsonSchema: schemaFrom(exact().response_format, notes),
      };
    default:
      throw invalid('body.response_format.type', "'text', 'json_object' or 'json_schema'");
  }
}

function schemaFrom(format: unknown, notes: TranslationNotes): object {
  const param = 'body.response_format.json_schema';
  const jsonSchema = isObject(format) ? format.json_schema : undefined;
  if (!isObject(jsonSchema) || !isObject(jsonSchema.schema)) throw invalid(`${param}.schema`, 'a JSON schema');
  if (!isAbsent(jsonSchema.description)) notes.drop(`${param}.description`);
  return jsonSchema.schema;
}
