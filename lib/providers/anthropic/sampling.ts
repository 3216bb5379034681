import type { ChatRequest } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import type { ClaudeRules } from './claude-models.ts';

export interface ClaudeSampling {
  temperature?: number;
  top_p?: number;
}

/**
 * Temperature and top_p. 1 is the default of both at both providers and is left out, because newer models refuse the
 * parameter itself. Source: https://platform.claude.com/docs/en/api/openai-sdk (values above 1 count as 1) and the notes on
 * migrating to Claude 4.5 (not both at once) and 4.7 (neither).
 */
export function samplingFrom(
  chat: ChatRequest,
  rules: ClaudeRules,
  isThinking: boolean,
  notes: TranslationNotes,
): ClaudeSampling {
  const temperature = temperatureOf(chat.temperature?.value ?? 1, notes);
  const topP = chat.topP?.value ?? 1;
  const sampling: ClaudeSampling = {};
  if (temperature !== 1 && mayGo('body.temperature', rules, isThinking, notes)) sampling.temperature = temperature;
  if (topP === 1 || !mayGo('body.top_p', rules, isThinking, notes)) return sampling;
  if (sampling.temperature === undefined) sampling.top_p = topP;
  else notes.drop('body.top_p', 'Claude takes temperature or top_p, not both');
  return sampling;
}

function mayGo(param: string, rules: ClaudeRules, isThinking: boolean, notes: TranslationNotes): boolean {
  if (!rules.row.takesSampling && rules.drops('takesSampling', param, 'takes no sampling parameters')) return false;
  if (isThinking) notes.drop(param, 'a model that thinks takes no sampling parameters');
  return !isThinking;
}

function temperatureOf(temperature: number, notes: TranslationNotes): number {
  if (temperature <= 1) return temperature;
  notes.change('body.temperature', "Anthropic's highest is 1");
  return 1;
}
