import type { AnswerFormat, ChatNumber, ChatRequest, Modality, SchemaFormat } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { GeminiRules } from './gemini-models.ts';
import { responseSchemaFrom } from './response-schema.ts';
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
  stopSequences?: readonly string[];
  responseModalities?: ('TEXT' | 'IMAGE')[];
  responseLogprobs?: true;
  logprobs?: number;
  responseMimeType?: 'application/json';
  responseSchema?: object;
  responseJsonSchema?: object;
  thinkingConfig?: ThinkingConfig;
}

export function generationConfigFrom(chat: ChatRequest, rules: GeminiRules, notes: TranslationNotes): GenerationConfig {
  const thinkingConfig = thinkingFrom(chat.effort, rules.row, notes);
  // Members are set one by one: to spread an object for each would take as long as parsing the messages.
  const config: GenerationConfig = {};
  const set = (name: NumberName, value: number | undefined) => {
    if (value !== undefined) config[name] = value;
  };
  set('maxOutputTokens', chat.maxTokens);
  set('temperature', chat.temperature?.value);
  set('topP', chat.topP?.value);
  set('presencePenalty', penaltyFrom(chat.presencePenalty, 'body.presence_penalty', rules));
  set('frequencyPenalty', penaltyFrom(chat.frequencyPenalty, 'body.frequency_penalty', rules));
  set('seed', seedFrom(chat.seed, notes));
  set('candidateCount', within(chat.n, 'n', 1, 8));
  if (chat.stop.length > 0) config.stopSequences = chat.stop;
  Object.assign(config, logprobsFrom(chat, notes), modalitiesFrom(chat.modalities, rules, notes));
  Object.assign(config, formatFrom(chat.format, notes));
  if (thinkingConfig) config.thinkingConfig = thinkingConfig;
  return config;
}

/** Members that are numbers of the request itself. */
type NumberName =
  | 'maxOutputTokens'
  | 'temperature'
  | 'topP'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'seed'
  | 'candidateCount';

function within(number: ChatNumber | null, name: string, least: number, most: number): number | undefined {
  if (number === null) return undefined;
  if (number.value < least || number.value > most)
    throw invalid(`body.${name}`, `a whole number from ${least} to ${most}`);
  return number.value;
}

/** Models that take no penalties take a penalty of 0, which says nothing. */
function penaltyFrom(penalty: ChatNumber | null, param: string, rules: GeminiRules): number | undefined {
  if (penalty === null || rules.row.takesPenalties) return penalty?.value;
  return penalty.value === 0 || rules.drops('takesPenalties', param, 'takes no penalties') ? undefined : penalty.value;
}

/** What a model that makes pictures is to answer with; it answers with both unless it is told. */
function modalitiesFrom(
  modalities: readonly Modality[],
  rules: GeminiRules,
  notes: TranslationNotes,
): Pick<GenerationConfig, 'responseModalities'> {
  if (modalities.includes('audio')) throw notes.unsupported('body.modalities', 'ask for text');
  if (modalities.length === 0) return {};
  if (rules.row.answersWith === 'text') {
    if (!modalities.includes('image')) return {};
    rules.refuse(
      'answersWith',
      'body.modalities',
      'answers with text only',
      'ask for text, or use a model for pictures',
    );
  }
  return { responseModalities: modalities.map((modality) => (modality === 'image' ? 'IMAGE' : 'TEXT')) };
}

/** Gemini's seed is an int32, OpenAI's an int64. */
function seedFrom(seed: ChatNumber | null, notes: TranslationNotes): number | undefined {
  if (seed === null) return undefined;
  if (Math.abs(seed.value) < 2 ** 31) return seed.value;
  notes.drop('body.seed', 'Gemini takes one of 32 bits');
  return undefined;
}

function logprobsFrom(
  { logprobs, topLogprobs }: ChatRequest,
  notes: TranslationNotes,
): Pick<GenerationConfig, 'responseLogprobs' | 'logprobs'> {
  if (logprobs) {
    const count = within(topLogprobs, 'top_logprobs', 0, 20);
    return count === undefined ? { responseLogprobs: true } : { responseLogprobs: true, logprobs: count };
  }
  if (topLogprobs && topLogprobs.value !== 0) notes.drop('body.top_logprobs', "it needs 'logprobs' beside it");
  return {};
}

type Format = Pick<GenerationConfig, 'responseMimeType' | 'responseSchema' | 'responseJsonSchema'>;

function formatFrom(format: AnswerFormat | null, notes: TranslationNotes): Format {
  switch (format?.type) {
    case undefined:
    case 'text':
      return {};
    case 'json_object':
      return { responseMimeType: 'application/json' };
    case 'json_schema':
      return { responseMimeType: 'application/json', ...schemaFrom(format, notes) };
  }
}

/** Batches are known to hold models to a `responseSchema`, of `responseJsonSchema` the opposite is reported. */
function schemaFrom(format: SchemaFormat, notes: TranslationNotes): Format {
  const param = 'body.response_format.json_schema';
  if (format.description !== null) notes.drop(`${param}.description`);
  const schema = format.exactSchema();
  const responseSchema = responseSchemaFrom(schema);
  if (responseSchema) return { responseSchema };
  notes.change(
    `${param}.schema`,
    'it says more than responseSchema can, and batches may not hold to responseJsonSchema',
  );
  return { responseJsonSchema: schema };
}
