import { prepare } from '../lib/pipeline/prepare/prepare.ts';
import { batchStepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(batchStepSchema, prepare);
