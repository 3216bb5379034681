import type { Cost } from '../records/batch.ts';
import { exactDollarsText } from '../records/dollars.ts';
import { safeText } from '../records/errors.ts';
import type { LineError } from '../records/openai-batch.ts';

/**
 * Holds what a batch may cost against `max_cost_usd`.
 *
 * @param unboundedModels those of which requests have no limit on their output, from anybody.
 * @returns why it is not sent; null where it may be.
 */
export function costProblem(
  limit: number,
  { usd, unpriced }: Cost,
  unboundedModels: readonly string[],
): LineError | null {
  if (usd === null)
    return problem('budget_exceeded', `max_cost_usd is ${limit}, but no price is known for ${unpriced.join(', ')}.`);
  if (unboundedModels.length > 0)
    return problem(
      'unbounded_cost',
      `max_cost_usd is ${limit}, but requests for ${unboundedModels.slice(0, 20).join(', ')} have no limit on their output, and no maximum of the model is known. Put a limit into the requests, set assume_output_tokens, or name maxOutputTokens under "prices" in the configuration.`,
    );
  if (usd <= limit) return null;
  return problem(
    'budget_exceeded',
    `The batch may cost ${exactDollarsText(usd)}, above max_cost_usd ${limit}. Nothing was sent. Requests without a limit on their output count the most that their model writes: limit them, or set assume_output_tokens.`,
  );
}

function problem(code: string, message: string): LineError {
  return { code, message: safeText(message), param: 'max_cost_usd', line: null };
}
