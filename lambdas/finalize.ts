import { finalize } from '../lib/pipeline/finalize/finalize.ts';
import { batchStepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(batchStepSchema, finalize);
