import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { ModelFamily } from './model-family.ts';

export interface Sampling {
  temperature?: number;
  top_p?: number;
}

/**
 * Temperature and top_p. 1 is the default of both at both providers and is left out, because newer models refuse the
 * parameter itself. Source: https://platform.claude.com/docs/en/api/openai-sdk (values above 1 count as 1) and the notes on
 * migrating to Claude 4.5 (not both at once) and 4.7 (neither).
 */
export function samplingFrom(
  body: JsonObject,
  family: ModelFamily,
  isThinking: boolean,
  notes: TranslationNotes,
): Sampling {
  const temperature = temperatureOf(body.temperature, notes);
  const topP = numberOf(body.top_p, 'body.top_p');
  const sampling: Sampling = {};
  if (temperature !== 1 && mayGo('body.temperature', family, isThinking, notes)) sampling.temperature = temperature;
  if (topP === 1 || !mayGo('body.top_p', family, isThinking, notes)) return sampling;
  if (sampling.temperature === undefined) sampling.top_p = topP;
  else notes.drop('body.top_p', 'Claude takes temperature or top_p, not both');
  return sampling;
}

function mayGo(param: string, family: ModelFamily, isThinking: boolean, notes: TranslationNotes): boolean {
  if (!family.takesSampling) notes.drop(param, 'this model takes no sampling parameters');
  else if (isThinking) notes.drop(param, 'a model that thinks takes no sampling parameters');
  else return true;
  return false;
}

function temperatureOf(value: unknown, notes: TranslationNotes): number {
  const temperature = numberOf(value, 'body.temperature');
  if (temperature <= 1) return temperature;
  notes.change('body.temperature', "Anthropic's highest is 1");
  return 1;
}

function numberOf(value: unknown, param: string): number {
  if (isAbsent(value)) return 1;
  if (typeof value !== 'number' || value < 0) throw invalid(param, 'a number that is not negative');
  return value;
}
