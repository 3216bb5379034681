import { poll } from '../lib/pipeline/poll/poll.ts';
import { pollStepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(pollStepSchema, poll);
