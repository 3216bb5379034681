import type { Config } from '../providers/config.ts';
import { InvalidInputError } from '../records/errors.ts';
import { type Excess, excessOf } from '../records/maxima.ts';
import type { BatchOptions } from '../records/options.ts';

type MaximaOf = Pick<Config, 'maxima'>;

/**
 * Holds a batch's options and size against the configuration's maxima, whatever client it comes from. Nothing is lowered to fit.
 *
 * @throws InvalidInputError `above_maximum` that names the option and its maximum.
 */
export function assertWithinMaxima({ maxima }: MaximaOf, options: BatchOptions, bytes: number): void {
  const excess = excessOf(maxima, options);
  if (excess) throw aboveMaximum(excess);
  assertBytesWithinMaximum({ maxima }, bytes);
}

/** @throws InvalidInputError `above_maximum` for an input of too many bytes. */
export function assertBytesWithinMaximum({ maxima }: MaximaOf, bytes: number): void {
  if (maxima.bytes !== undefined && bytes > maxima.bytes)
    throw aboveMaximum({ name: 'bytes', asked: bytes, most: maxima.bytes });
}

/** @throws InvalidInputError `above_maximum` for an input of too many lines. */
export function assertLinesWithinMaximum({ maxima }: MaximaOf, lines: number): void {
  if (maxima.lines !== undefined && lines > maxima.lines)
    throw aboveMaximum({ name: 'lines', asked: lines, most: maxima.lines });
}

/** @throws InvalidInputError where the deployment may answer no task: the machine would wait for nothing. */
export function assertAnswerable({ taskMachines }: Config, taskToken: string | null): void {
  if (taskToken === null || taskMachines.length > 0) return;
  throw new InvalidInputError(
    'invalid_option',
    'task_token: this deployment may answer no state machine. Name the ARN of yours in the configuration under "taskMachines", deploy, and try again.',
    { param: 'task_token' },
  );
}

/** What a batch may cost: the lower of its own limit and of the deployment's, which may be younger. Undefined without either. */
export function costLimitOf(
  { maxima }: MaximaOf,
  { max_cost_usd }: Pick<BatchOptions, 'max_cost_usd'>,
): number | undefined {
  if (max_cost_usd === undefined || maxima.max_cost_usd === undefined) return max_cost_usd ?? maxima.max_cost_usd;
  return Math.min(max_cost_usd, maxima.max_cost_usd);
}

function aboveMaximum({ name, asked, most }: Excess): InvalidInputError {
  const message = `${name} is ${asked}; this deployment's maximum is ${most}, and no request can raise it.`;
  return new InvalidInputError('above_maximum', message, { param: name });
}
