import type { Config } from '../providers/config.ts';
import { InvalidInputError } from '../records/errors.ts';
import { type BatchOptions, deadlineHours } from '../records/options.ts';

const priorities = ['low', 'normal', 'high'] as const;

/**
 * Holds a batch's options and size against the configuration's maxima, whatever client it comes from. Nothing is lowered to fit.
 *
 * @throws InvalidInputError `above_maximum` that names the option and its maximum.
 */
export function assertWithinMaxima({ maxima }: Config, options: BatchOptions, bytes: number): void {
  const { priority } = maxima;
  const held: [string, number, number | undefined][] = [
    ['max_cost_usd', options.max_cost_usd ?? 0, maxima.max_cost_usd],
    ['deadline_hours', deadlineHours(options), maxima.deadline_hours],
    ['max_attempts', options.max_attempts, maxima.max_attempts],
    ['bytes', bytes, maxima.bytes],
  ];
  for (const [name, asked, most] of held) if (most !== undefined && asked > most) throw aboveMaximum(name, asked, most);
  if (priority !== undefined && priorities.indexOf(options.priority) > priorities.indexOf(priority))
    throw aboveMaximum('priority', options.priority, priority);
}

/** @throws InvalidInputError `above_maximum` for an input of too many lines. */
export function assertLinesWithinMaximum({ maxima }: Config, lines: number): void {
  if (maxima.lines !== undefined && lines > maxima.lines) throw aboveMaximum('lines', lines, maxima.lines);
}

/** What a batch may cost: its own limit, or the deployment's where it has none. Undefined without either. */
export function costLimitOf(
  { maxima }: Config,
  { max_cost_usd }: Pick<BatchOptions, 'max_cost_usd'>,
): number | undefined {
  return max_cost_usd ?? maxima.max_cost_usd;
}

function aboveMaximum(name: string, asked: number | string, most: number | string): InvalidInputError {
  const message = `${name} is ${asked}; this deployment's maximum is ${most}, and no request can raise it.`;
  return new InvalidInputError('above_maximum', message, { param: name });
}
