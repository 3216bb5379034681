import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import { maxTokensFrom, stopSequencesFrom } from '../shared/chat/chat-parameters.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Said by the job, or read for every body; a batch streams nothing. */
const always: readonly string[] = [
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'stream',
];

interface Judgement {
  /** Whether the value asks for nothing. */
  isHarmless: (value: unknown) => boolean;
  /** What to do instead; without it the parameter is dropped with a warning. */
  advice?: string;
}

const judgements = new Map<string, Judgement>([
  ['n', { isHarmless: is(1), advice: 'write the line as often as you want answers' }],
  ['logprobs', { isHarmless: is(false), advice: 'remove it' }],
  ['top_logprobs', { isHarmless: is(0), advice: 'remove it' }],
  ['audio', { isHarmless: () => false, advice: 'ask for text' }],
  ['modalities', { isHarmless: isTextOnly, advice: 'ask for text' }],
  ['functions', { isHarmless: isEmpty, advice: "use 'tools'" }],
  ['function_call', { isHarmless: is('auto', 'none'), advice: "use 'tool_choice'" }],
  ['web_search_options', { isHarmless: isEmpty, advice: 'leave it out' }],
  ['tools', { isHarmless: isEmpty, advice: 'ask for the answer as text' }],
  ['tool_choice', { isHarmless: is('auto', 'none'), advice: 'leave it out' }],
  ['parallel_tool_calls', { isHarmless: () => true }],
  ['response_format', { isHarmless: isPlainText, advice: 'say in the prompt what the answer is to look like' }],
  ['store', { isHarmless: is(false) }],
  ['frequency_penalty', { isHarmless: is(0) }],
  ['presence_penalty', { isHarmless: is(0) }],
  ['logit_bias', { isHarmless: isEmpty }],
  ['metadata', { isHarmless: isEmpty }],
  ['stop', { isHarmless: isEmpty }],
  ['service_tier', { isHarmless: is('auto', 'default') }],
]);

function is(...harmless: unknown[]): (value: unknown) => boolean {
  return (value) => harmless.includes(value);
}

function isTextOnly(value: unknown): boolean {
  return Array.isArray(value) && value.every((modality) => modality === 'text');
}

function isPlainText(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'text';
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/**
 * Refuses what changes the answer's form, and warns of the rest that a body lacks.
 *
 * @param taken parameters that the body has, besides those that all have.
 */
export function judgeParameters(body: JsonObject, taken: readonly string[], notes: TranslationNotes): void {
  for (const name in body) {
    const value = body[name];
    if (always.includes(name) || taken.includes(name) || isAbsent(value)) continue;
    const judgement = judgements.get(name);
    if (judgement?.isHarmless(value)) continue;
    if (judgement?.advice !== undefined) throw notes.unsupported(`body.${name}`, judgement.advice);
    notes.drop(`body.${name}`);
  }
}

/** Parameters that bodies have under names of their own. Numbers may be in their own spelling (`parseExact`). */
export interface Sampling {
  maxTokens: number | undefined;
  temperature: unknown;
  topP: unknown;
  stop: string[];
}

export function samplingFrom(body: JsonObject, exact: JsonObject, notes: TranslationNotes): Sampling {
  return {
    maxTokens: maxTokensFrom(body, notes),
    temperature: temperatureFrom(body, exact, notes),
    topP: topPFrom(body, exact),
    stop: stopSequencesFrom(body.stop),
  };
}

/** Source: @aws-sdk/client-bedrock-runtime 3.1164 `InferenceConfiguration`, and the pages on each family's body. */
const maxTemperature = 1;

function temperatureFrom({ temperature }: JsonObject, exact: JsonObject, notes: TranslationNotes): unknown {
  if (isAbsent(temperature)) return undefined;
  if (typeof temperature !== 'number' || temperature < 0) throw invalid('body.temperature', 'a number from 0 to 2');
  if (temperature <= maxTemperature) return exact.temperature;
  notes.change('body.temperature', `the highest is ${maxTemperature} here`);
  return maxTemperature;
}

function topPFrom({ top_p: topP }: JsonObject, exact: JsonObject): unknown {
  if (isAbsent(topP)) return undefined;
  if (typeof topP !== 'number' || topP < 0 || topP > 1) throw invalid('body.top_p', 'a number from 0 to 1');
  return exact.top_p;
}
