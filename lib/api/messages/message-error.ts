import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { ApiError } from '../api-error.ts';

export const messageErrorSchema = z
  .object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string() }),
    request_id: z.string(),
  })
  .meta({ id: 'MessageErrorResponse' });

// Source: https://platform.claude.com/docs/en/api/errors, read 2026-11.
const typeByStatus: Partial<Record<ContentfulStatusCode, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
};

/** What a client is told, in the form of Anthropic's API. */
export function messageError({ status, body }: ApiError, requestId: string): z.infer<typeof messageErrorSchema> {
  const usual = status >= 500 ? 'api_error' : 'invalid_request_error';
  const error = { type: typeByStatus[status] ?? usual, message: body.error.message };
  return { type: 'error', error, request_id: requestId };
}
