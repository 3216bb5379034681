import { collect } from '../lib/pipeline/collect/collect.ts';
import { shardStepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(shardStepSchema, collect);
