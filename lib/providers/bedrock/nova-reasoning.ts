import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** How much Nova 2 thinks before it answers; without it, not at all. */
interface ReasoningConfig {
  type: 'enabled';
  maxReasoningEffort: Effort;
}

type Effort = 'low' | 'medium' | 'high';

const efforts = new Map<unknown, Effort | null>([
  ['none', null],
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'high'],
  ['max', 'high'],
]);

/** With the highest effort these must not be set. Source: Nova 2's page on extended thinking, from memory. */
const limiting = ['max_tokens', 'max_completion_tokens', 'temperature', 'top_p'];

/**
 * Source: https://docs.aws.amazon.com/nova/latest/nova2-userguide/request-response-schema.html, read 2026-11.
 *
 * @returns undefined for a model that does not think, and where none is asked for.
 */
export function reasoningConfigFrom(
  body: JsonObject,
  model: string,
  notes: TranslationNotes,
): ReasoningConfig | undefined {
  const asked = body.reasoning_effort;
  if (isAbsent(asked)) return undefined;
  const effort = efforts.get(asked);
  if (effort === undefined) throw invalid('body.reasoning_effort', `one of ${[...efforts.keys()].join(', ')}`);
  if (effort === null) return undefined;
  if (!/amazon\.nova-2-/.test(model)) {
    notes.drop('body.reasoning_effort', 'this model does not think before it answers');
    return undefined;
  }
  const isLimited = limiting.some((name) => !isAbsent(body[name]));
  const given = effort === 'high' && isLimited ? 'medium' : effort;
  if (given !== effort) notes.change('body.reasoning_effort', `Nova takes 'high' only without ${limiting.join(', ')}`);
  else if (given !== asked) notes.change('body.reasoning_effort', `Nova's nearest is ${given}`);
  return { type: 'enabled', maxReasoningEffort: given };
}
