// zod/mini, as in openai-batch.ts.
import * as z from 'zod/mini';
import { goneSchema } from './batch-request.ts';

/** Failed requests of one code. */
const errorGroupSchema = z.object({
  code: z.string(),
  count: z.int(),
  is_retryable: z.boolean().check(z.describe('Whether they failed for no fault of their own')),
  custom_id: z.nullable(z.string()).check(z.describe('Of the first of them, as are line and message')),
  line: z.int().check(z.describe("Its place among the batch's requests, from 1")),
  message: z.string(),
  next_step: z.string().check(z.describe('What to do about them')),
});

/** Why requests of a batch failed. */
export const batchErrorsSchema = z.object({
  object: z.literal('batch.errors'),
  data: z.array(errorGroupSchema).check(z.describe('Most frequent first')),
  looked: z.int().check(z.describe('How many failed requests were looked at')),
  is_partial: z.boolean().check(z.describe('Whether there are more than were looked at')),
  gone: z.nullable(goneSchema).check(z.describe('Why errors cannot be shown any more')),
});

export type ErrorGroup = z.infer<typeof errorGroupSchema>;
export type BatchErrors = z.infer<typeof batchErrorsSchema>;
