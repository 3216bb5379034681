import { objectOf } from '../lines/foreign-json.ts';
import type { LineOutcome } from '../lines/result-outcome.ts';
import { usageFrom as usageOfMessage } from '../providers/anthropic/result.ts';
import { usageFrom } from '../providers/openai-family/result.ts';
import type { Usage } from '../records/usage.ts';

/** @returns the model that answered; null where the answer does not say it. */
export function modelOf(outcome: LineOutcome): string | null {
  const body = outcome.answered ? objectOf(outcome.body) : null;
  return typeof body?.model === 'string' ? body.model : null;
}

/** What an answer used, of whichever form; null where it does not say it. */
export function usageOf(body: unknown): Usage | null {
  const answer = objectOf(body);
  // A message in Anthropic's form counts what was cached apart.
  if (!Array.isArray(answer?.content)) return usageFrom(answer);
  const usage = objectOf(answer.usage);
  return usage && usageOfMessage(usage);
}
