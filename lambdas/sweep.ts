import { sweep } from '../lib/pipeline/sweep.ts';
import { sweepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(sweepSchema, sweep);
