import { z } from 'zod';
import type { BatchRecord } from '../records/batch.ts';
import { getBatch, noteThatKnown } from '../service/create-batch.ts';
import type { ApiContext } from './api-environment.ts';

export const tenantParameter = z
  .string()
  .max(63)
  .optional()
  .describe("Whose batches: another tenant's for an operator's key only");

/** The batch that a path names. @throws NotFoundError, also for another tenant's. */
export async function requestedBatch(context: ApiContext, tenant = context.var.tenant): Promise<BatchRecord> {
  const { services } = context.var;
  const batch = await getBatch(services, tenant, context.req.param('batchId') ?? '');
  await noteThatKnown(services, batch);
  return batch;
}
