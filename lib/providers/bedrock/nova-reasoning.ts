import type { ChatRequest, ReasoningEffort } from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';

/** How much Nova 2 thinks before it answers; without it, not at all. */
interface ReasoningConfig {
  type: 'enabled';
  maxReasoningEffort: NovaEffort;
}

type NovaEffort = 'low' | 'medium' | 'high';

const efforts: Readonly<Record<Exclude<ReasoningEffort, 'none'>, NovaEffort>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};

/**
 * Source: https://docs.aws.amazon.com/nova/latest/nova2-userguide/request-response-schema.html, read 2026-11.
 *
 * @returns undefined for a model that does not think, and where none is asked for.
 */
export function reasoningConfigFrom(
  chat: ChatRequest,
  model: string,
  notes: TranslationNotes,
): ReasoningConfig | undefined {
  const { effort: asked } = chat;
  if (asked === null || asked === 'none') return undefined;
  if (!/amazon\.nova-2-/.test(model)) {
    notes.drop('body.reasoning_effort', 'this model does not think before it answers');
    return undefined;
  }
  const effort = efforts[asked];
  const given = effort === 'high' && isLimited(chat) ? 'medium' : effort;
  if (given !== effort)
    notes.change(
      'body.reasoning_effort',
      "Nova takes 'high' only without max_tokens, max_completion_tokens, temperature, top_p",
    );
  else if (given !== asked) notes.change('body.reasoning_effort', `Nova's nearest is ${given}`);
  return { type: 'enabled', maxReasoningEffort: given };
}

/** With the highest effort these must not be set. Source: Nova 2's page on extended thinking, from memory. */
function isLimited({ maxTokens, temperature, topP }: ChatRequest): boolean {
  return maxTokens !== undefined || temperature !== null || topP !== null;
}
