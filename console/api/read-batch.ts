import type { DeploymentBatch } from '../../lib/client/deployment/replies.ts';
import { type Batch, batchSchema } from './batch.ts';

/** A batch as the page shows it. */
export function readBatch(answer: DeploymentBatch): Batch {
  return batchSchema.parse(answer);
}
