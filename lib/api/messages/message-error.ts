import { z } from 'zod';
import { errorTypeOf } from '../../lines/message-error.ts';
import type { ApiError } from '../api-error.ts';

export const messageErrorSchema = z
  .object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string() }),
    request_id: z.string(),
  })
  .meta({ id: 'MessageErrorResponse' });

/** What a client is told, in the form of Anthropic's API. */
export function messageError({ status, body }: ApiError, requestId: string): z.infer<typeof messageErrorSchema> {
  const error = { type: errorTypeOf(status), message: body.error.message };
  return { type: 'error', error, request_id: requestId };
}
