import { numberFrom } from '../../../../lines/exact-json.ts';
import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import type { LineNotes } from '../notes.ts';

const thinkingKeys: ReadonlySet<string> = new Set(['type', 'budget_tokens']);

/** `thinking` and `output_config.effort` -> reasoning_effort, which has the same words. */
export function reasoningEffortFrom({ thinking, output_config }: JsonObject, notes: LineNotes): unknown {
  const effort = isObject(output_config) && !isAbsent(output_config.effort) ? output_config.effort : undefined;
  if (isAbsent(thinking)) return effort;
  if (!isObject(thinking)) throw notes.invalid('thinking', 'an object');
  notes.dropOthers(thinking, thinkingKeys, 'thinking');
  switch (thinking.type) {
    case 'adaptive':
      return effort;
    case 'disabled':
      if (effort !== undefined)
        notes.drop('output_config.effort', 'thinking is off, which is said by the same parameter');
      return 'none';
    case 'enabled':
      return effort ?? effortOfBudget(thinking.budget_tokens, notes);
    case 'between_tools':
      notes.drop('thinking.type');
      return effort;
    default:
      throw notes.invalid('thinking.type', "'adaptive', 'enabled' or 'disabled'");
  }
}

/** Halfway between the budgets that lib/providers/anthropic/reasoning.ts gives for low, medium and high. */
function effortOfBudget(budget: unknown, notes: LineNotes): string {
  const tokens = numberFrom(budget);
  if (tokens === null) throw notes.invalid('thinking.budget_tokens', 'a number');
  const effort = tokens < 5_120 ? 'low' : tokens < 12_288 ? 'medium' : 'high';
  notes.change('thinking.budget_tokens', `chat completions count no tokens, the nearest effort is '${effort}'`);
  return effort;
}
