import { resumeBatchOfJob } from '../lib/pipeline/upkeep/bedrock-job-event.ts';
import { sweep } from '../lib/pipeline/upkeep/sweep.ts';
import { isBedrockJobEvent, sweepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

/** Two rules call this function: the clock, for the sweep, and EventBridge, when a batch job of Bedrock's has changed. */
export const handler = stepHandler(sweepSchema, async (services, event, context) =>
  isBedrockJobEvent(event) ? resumeBatchOfJob(services, event) : sweep(services, event, context),
);
