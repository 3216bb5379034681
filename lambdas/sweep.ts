import { resumeBatchOfJob } from '../lib/pipeline/upkeep/bedrock-job-event.ts';
import { sweep } from '../lib/pipeline/upkeep/sweep.ts';
import { sweepSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(sweepSchema, async (services, event, context) =>
  'jobArn' in event ? resumeBatchOfJob(services, event) : sweep(services, event, context),
);
