import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { ModelFamily } from './model-family.ts';

type Effort = 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface Reasoning {
  thinking?: JsonObject;
  effort?: Effort;
}

interface Request {
  family: ModelFamily;
  maxTokens: number;
  /** A forced tool and thinking exclude each other. */
  isToolForced: boolean;
}

/**
 * reasoning_effort -> how a model is told to think. Sources: https://platform.claude.com/docs/en/build-with-claude/effort,
 * .../extended-thinking and .../adaptive-thinking. Anthropic's own `thinking`, which its OpenAI-compatible API takes too,
 * goes on as it is.
 */
export function reasoningFrom(body: JsonObject, request: Request, notes: TranslationNotes): Reasoning {
  const thinking = ownThinking(body.thinking);
  if (isAbsent(body.reasoning_effort)) return thinking;
  const wanted = effortOf(body.reasoning_effort);
  switch (request.family.thinking) {
    case 'none':
      if (wanted.name !== 'none') notes.drop(param, 'this model does not reason');
      return thinking;
    case 'budget':
      return { ...budget(wanted, request, notes), ...thinking };
    case 'adaptive':
      return { ...adaptive(wanted, request, notes), ...thinking };
  }
}

function ownThinking(thinking: unknown): Reasoning {
  if (isAbsent(thinking)) return {};
  if (!isObject(thinking)) throw invalid('body.thinking', 'an object');
  return { thinking };
}

const param = 'body.reasoning_effort';

interface WantedEffort {
  name: string;
  /** Nearest effort at Anthropic. */
  effort: Effort;
  /** Tokens of thinking, for models that want a number: doubling, from the least that is allowed. */
  budgetTokens: number;
}

// Source of OpenAI's words: openai 7.55 `ReasoningEffort`.
const efforts: readonly WantedEffort[] = [
  { name: 'none', effort: 'low', budgetTokens: 0 },
  { name: 'minimal', effort: 'low', budgetTokens: 1_024 },
  { name: 'low', effort: 'low', budgetTokens: 2_048 },
  { name: 'medium', effort: 'medium', budgetTokens: 8_192 },
  { name: 'high', effort: 'high', budgetTokens: 16_384 },
  { name: 'xhigh', effort: 'xhigh', budgetTokens: 24_576 },
  { name: 'max', effort: 'max', budgetTokens: 30_720 },
];

/** Least budget of thinking, in tokens. Source: @anthropic-ai/sdk 1.11 `ThinkingConfigEnabled`. */
const minBudgetTokens = 1_024;

function effortOf(value: unknown): WantedEffort {
  const wanted = efforts.find((effort) => effort.name === value);
  if (!wanted) throw invalid(param, efforts.map((effort) => `'${effort.name}'`).join(', '));
  return wanted;
}

/** The budget must stay below max_tokens, and leaves at least half of them for the answer. */
function budget(wanted: WantedEffort, request: Request, notes: TranslationNotes): Reasoning {
  if (wanted.name === 'none') return {};
  const tokens = Math.min(wanted.budgetTokens, Math.floor(request.maxTokens / 2));
  if (request.isToolForced) notes.drop(param, 'a forced tool and thinking exclude each other');
  else if (tokens < minBudgetTokens) notes.drop(param, 'thinking needs a limit of 2,048 tokens or more');
  else return { thinking: { type: 'enabled', budget_tokens: tokens } };
  return {};
}

function adaptive(wanted: WantedEffort, request: Request, notes: TranslationNotes): Reasoning {
  const effort = grantedEffort(wanted.effort, request.family);
  if (effort !== wanted.name) notes.change(param, `the nearest that this model has is '${effort}'`);
  if (wanted.name === 'none' || request.isToolForced) return { effort };
  return { effort, thinking: { type: 'adaptive' } };
}

function grantedEffort(effort: Effort, family: ModelFamily): Effort {
  return effort === 'xhigh' && !family.takesExtraHighEffort ? 'high' : effort;
}
