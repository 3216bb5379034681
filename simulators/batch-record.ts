import { z } from 'zod';
import { type BatchFault, batchFaultSchema, type FaultOfKind } from './faults.ts';
import { timingSchema } from './simulator.ts';

/** What is stored before a creation is answered. With the plan and the clock it decides everything later. */
export const batchRecordSchema = z.strictObject({
  id: z.string(),
  /** Order of creation, since two batches may share a millisecond. */
  sequence: z.number(),
  createdAtMs: z.number(),
  /** '/v1/messages' at Anthropic. */
  endpoint: z.string(),
  timing: timingSchema,
  faults: z.array(batchFaultSchema),
  cancelRequestedAtMs: z.number().nullable(),
  /** Anthropic: a deleted batch is gone for its client and stays in the log of creations. */
  deletedAtMs: z.number().nullable(),
  /** OpenAI. */
  inputFileId: z.string().nullable(),
  metadata: z.record(z.string(), z.string()).nullable(),
  outputExpiresAfterSeconds: z.number().nullable(),
  /** Anthropic: the `anthropic-version` that the parameters are held against. */
  apiVersion: z.string().nullable(),
  /** Anthropic: its requests, counted as they came in. */
  requestCount: z.number().nullable(),
  /** Where the creation names it. */
  model: z.string().optional(),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

const batchErrorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  param: z.string().nullable(),
  line: z.number().nullable(),
});
export type BatchError = z.infer<typeof batchErrorSchema>;

const lineErrorSchema = z.enum(['rate_limit', 'server_error', 'overloaded']);
export type LineError = z.infer<typeof lineErrorSchema>;

/** What reading the whole input found out, stored once. */
export const batchPlanSchema = z.strictObject({
  validatedAtMs: z.number(),
  /** Non-empty: the batch is `failed`. */
  errors: z.array(batchErrorSchema),
  model: z.string().nullable(),
  total: z.number(),
  /** Ascending positions, in the order of completion, of the lines that end with an error. */
  failingPositions: z.array(z.number()),
  /** Lines (0-based) that a fault strikes, and how. */
  struckLines: z.array(z.tuple([z.number(), lineErrorSchema])),
});
export type BatchPlan = z.infer<typeof batchPlanSchema>;

/** The batch's fault of this kind, if it carries one. */
export function faultOf<Kind extends BatchFault['kind']>(
  record: BatchRecord,
  kind: Kind,
): (FaultOfKind<Kind> & BatchFault) | undefined {
  return record.faults.find((fault): fault is FaultOfKind<Kind> & BatchFault => fault.kind === kind);
}
