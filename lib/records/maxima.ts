import { z } from 'zod';
import { type BatchOptions, deadlineHours } from './options.ts';

const priorities = ['low', 'normal', 'high'] as const;

/** What no batch may pass, whatever it asks for. */
export const maximaSchema = z.strictObject({
  max_cost_usd: z.number().positive().optional(),
  deadline_hours: z.number().positive().optional(),
  max_attempts: z.number().int().positive().optional(),
  priority: z.enum(priorities).optional(),
  /** Of a batch's input. */
  bytes: z.number().int().positive().optional(),
  lines: z.number().int().positive().optional(),
});

export type Maxima = z.infer<typeof maximaSchema>;

/** An option or a size that is above its maximum. */
export interface Excess {
  name: string;
  asked: number | string;
  most: number | string;
}

/** Finds the first of a batch's options that is above its maximum; null where none is. */
export function excessOf(maxima: Maxima, options: BatchOptions): Excess | null {
  const { priority } = maxima;
  const held: [string, number, number | undefined][] = [
    ['max_cost_usd', options.max_cost_usd ?? 0, maxima.max_cost_usd],
    ['deadline_hours', deadlineHours(options), maxima.deadline_hours],
    ['max_attempts', options.max_attempts, maxima.max_attempts],
  ];
  for (const [name, asked, most] of held) if (most !== undefined && asked > most) return { name, asked, most };
  if (priority !== undefined && priorities.indexOf(options.priority) > priorities.indexOf(priority))
    return { name: 'priority', asked: options.priority, most: priority };
  return null;
}
