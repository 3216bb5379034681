import type { ChatModel, SaidRule } from '../contract.ts';
import { fits } from '../shared/model-pattern.ts';

/** Models that think before they answer; of others nothing is known here, and nothing is said to them of thinking. */
interface ThinkingModels extends ChatModel {
  /** Patterns of their names. */
  models: readonly string[];
}

/** openai 7.55 `ReasoningEffort`: "All models before gpt-5.1 ... do not support none". */
const openAI = { source: 'openai 7.55 `ReasoningEffort`', read: '2026-11', refuses: [] };

/** Reasoning models there refuse these with an error. */
const xAI = {
  source: 'https://docs.x.ai/models',
  read: '2026-11',
  takesNone: false,
  refuses: ['stop', 'presence_penalty', 'frequency_penalty'],
};

export const openAIModels: readonly ThinkingModels[] = [
  { ...openAI, models: ['o1*', 'o3*', 'o4*', 'gpt-5', 'gpt-5-*'], takesNone: false },
  { ...openAI, models: ['gpt-5.*', 'gpt-6*'], takesNone: true },
];

export const grokModels: readonly ThinkingModels[] = [{ ...xAI, models: ['grok-4*', 'grok-3-mini*'] }];

/** Their names fit the rows of models that think, and they do not. */
const unthinking = ['*non-reasoning*', 'gpt-5*-chat*', 'gpt-5-search*'];

const thinkingModels = [...openAIModels, ...grokModels];

/** What is known of a model that takes chat completions in their own bytes; null for most. */
export function chatModelOf(model: string): ChatModel | null {
  if (unthinking.some((pattern) => fits(model, pattern))) return null;
  return thinkingModels.find(({ models }) => models.some((pattern) => fits(model, pattern))) ?? null;
}

export function chatModelSays({ takesNone, refuses, source, read }: ChatModel): SaidRule[] {
  const said = [
    'thinks',
    takesNone ? 'takes the effort none' : 'no effort none',
    ...refuses.map((name) => `no ${name}`),
  ];
  return said.map((says) => ({ says, source: { source, read } }));
}
