import type { ReasoningEffort } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import type { GeminiModel } from './gemini-models.ts';

type ThinkingLevel = 'MINIMAL' | 'LOW' | 'MEDIUM' | 'HIGH';

/** Source: @google/genai 3.1 `ThinkingConfig`. */
export interface ThinkingConfig {
  thinkingLevel?: ThinkingLevel;
  thinkingBudget?: number;
}

interface WantedThinking {
  name: ReasoningEffort;
  level: ThinkingLevel;
  budgetTokens: number;
}

// The budgets are those of Google's own OpenAI-compatible API: https://ai.google.dev/gemini-api/docs/openai, read 2026-11.
const efforts: Readonly<Record<ReasoningEffort, Omit<WantedThinking, 'name'>>> = {
  none: { level: 'MINIMAL', budgetTokens: 0 },
  minimal: { level: 'MINIMAL', budgetTokens: 1_024 },
  low: { level: 'LOW', budgetTokens: 1_024 },
  medium: { level: 'MEDIUM', budgetTokens: 8_192 },
  high: { level: 'HIGH', budgetTokens: 24_576 },
  xhigh: { level: 'HIGH', budgetTokens: 24_576 },
  max: { level: 'HIGH', budgetTokens: 24_576 },
};

/** Least thinking of a model that always thinks, in tokens. */
const leastProBudget = 128;

const param = 'body.reasoning_effort';

/** reasoning_effort -> thinkingConfig. */
export function thinkingFrom(
  effort: ReasoningEffort | null,
  row: GeminiModel,
  notes: TranslationNotes,
): ThinkingConfig | undefined {
  if (effort === null) return undefined;
  const wanted = { name: effort, ...efforts[effort] };
  switch (row.thinking) {
    case 'none':
      if (wanted.name !== 'none') notes.drop(param, 'this model does not reason');
      return undefined;
    case 'budget':
      return { thinkingBudget: budgetFor(wanted, row, notes) };
    case 'level':
      return { thinkingLevel: levelFor(wanted, row, notes) };
  }
}

function budgetFor(wanted: WantedThinking, { alwaysThinks }: GeminiModel, notes: TranslationNotes): number {
  if (!alwaysThinks || wanted.budgetTokens > 0) return wanted.budgetTokens;
  notes.change(param, `this model always thinks; it was given the least, ${leastProBudget} tokens`);
  return leastProBudget;
}

function levelFor(wanted: WantedThinking, { alwaysThinks }: GeminiModel, notes: TranslationNotes): ThinkingLevel {
  const level = alwaysThinks && wanted.level === 'MINIMAL' ? 'LOW' : wanted.level;
  if (level.toLowerCase() !== wanted.name) notes.change(param, `the nearest that this model has is '${level}'`);
  return level;
}
