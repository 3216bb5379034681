import { submit } from '../lib/pipeline/submit/submit.ts';
import { shardStepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(shardStepSchema, submit);
