import { isObject, type JsonObject } from '../../records/json.ts';
import type { ChatRequest, ReasoningEffort } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { ClaudeModel, ClaudeRules } from './claude-models.ts';

type ClaudeEffort = 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface ClaudeReasoning {
  thinking?: JsonObject;
  effort?: ClaudeEffort;
}

interface Request {
  rules: ClaudeRules;
  maxTokens: number;
  /** A forced tool and thinking exclude each other. */
  isToolForced: boolean;
}

/**
 * reasoning_effort -> how a model is told to think. Sources: https://platform.claude.com/docs/en/build-with-claude/effort,
 * .../extended-thinking and .../adaptive-thinking. Anthropic's own `thinking`, which its OpenAI-compatible API takes too,
 * goes on as it is.
 */
export function reasoningFrom(chat: ChatRequest, request: Request, notes: TranslationNotes): ClaudeReasoning {
  const thinking = ownThinking(chat.own.get('thinking'), request.rules);
  if (chat.effort === null) return thinking;
  const wanted = { name: chat.effort, ...efforts[chat.effort] };
  switch (request.rules.row.thinking) {
    case 'none':
      if (wanted.name !== 'none') notes.drop(param, 'this model does not reason');
      return thinking;
    case 'budget':
      return { ...budget(wanted, request, notes), ...thinking };
    case 'adaptive':
      return { ...adaptive(wanted, request, notes), ...thinking };
  }
}

function ownThinking(thinking: unknown, rules: ClaudeRules): ClaudeReasoning {
  if (thinking === undefined) return {};
  if (!isObject(thinking)) throw invalid('body.thinking', 'an object');
  const { thinkingOff, takesThinkingBudget } = rules.row;
  if (thinking.type === 'disabled' && (thinkingOff === 'never' || thinkingOff === 'between_tools'))
    rules.refuse(
      'thinkingOff',
      'body.thinking',
      "does not take 'disabled'",
      "leave it out, and write 'reasoning_effort': 'low'",
    );
  if (thinking.type === 'enabled' && !takesThinkingBudget)
    rules.refuse(
      'takesThinkingBudget',
      'body.thinking',
      'takes no budget of tokens',
      "write 'reasoning_effort' in its place",
    );
  return { thinking };
}

const param = 'body.reasoning_effort';

interface WantedEffort {
  name: ReasoningEffort;
  /** Nearest effort at Anthropic. */
  effort: ClaudeEffort;
  /** Tokens of thinking, for models that want a number: doubling, from the least that is allowed. */
  budgetTokens: number;
}

const efforts: Readonly<Record<ReasoningEffort, Omit<WantedEffort, 'name'>>> = {
  none: { effort: 'low', budgetTokens: 0 },
  minimal: { effort: 'low', budgetTokens: 1_024 },
  low: { effort: 'low', budgetTokens: 2_048 },
  medium: { effort: 'medium', budgetTokens: 8_192 },
  high: { effort: 'high', budgetTokens: 16_384 },
  xhigh: { effort: 'xhigh', budgetTokens: 24_576 },
  max: { effort: 'max', budgetTokens: 30_720 },
};

/** Least budget of thinking, in tokens. Source: @anthropic-ai/sdk 1.11 `ThinkingConfigEnabled`. */
const minBudgetTokens = 1_024;

/** The budget must stay below max_tokens, and leaves at least half of them for the answer. */
function budget(wanted: WantedEffort, request: Request, notes: TranslationNotes): ClaudeReasoning {
  if (wanted.name === 'none') return {};
  const tokens = Math.min(wanted.budgetTokens, Math.floor(request.maxTokens / 2));
  if (request.isToolForced) notes.drop(param, 'a forced tool and thinking exclude each other');
  else if (tokens < minBudgetTokens) notes.drop(param, 'thinking needs a limit of 2,048 tokens or more');
  else return { thinking: { type: 'enabled', budget_tokens: tokens } };
  return {};
}

function adaptive(wanted: WantedEffort, request: Request, notes: TranslationNotes): ClaudeReasoning {
  const { row } = request.rules;
  if (wanted.name === 'none') return withoutThinking(row, notes);
  const effort = wanted.effort === 'xhigh' && !row.takesExtraHighEffort ? 'high' : wanted.effort;
  if (effort !== wanted.name) notes.change(param, `the nearest that this model has is '${effort}'`);
  return request.isToolForced ? { effort } : { effort, thinking: { type: 'adaptive' } };
}

/** A model that does not think unless it is told to is only told to be brief. */
function withoutThinking({ thinkingOff }: ClaudeModel, notes: TranslationNotes): ClaudeReasoning {
  switch (thinkingOff) {
    case 'disabled':
    case 'between_tools':
      return { thinking: { type: thinkingOff } };
    case 'never':
      notes.change(param, "this model always thinks; the least that it has is 'low'");
      return { effort: 'low' };
    case 'unsaid':
      notes.change(param, "the nearest that this model has is 'low'");
      return { effort: 'low' };
  }
}
