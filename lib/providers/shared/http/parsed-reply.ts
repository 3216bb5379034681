import type { z } from 'zod';
import { callError } from './failed-call.ts';

/**
 * @param what names the reply in the error.
 * @throws TransientError where it is not of the form that we read.
 */
export function parsedReply<Value>(schema: z.ZodType<Value>, reply: unknown, what: string): Value {
  const result = schema.safeParse(reply);
  if (result.success) return result.data;
  throw callError(what, result.error);
}
