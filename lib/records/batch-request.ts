// zod/mini, as in openai-batch.ts.
import * as z from 'zod/mini';

export const requestStatuses = ['completed', 'failed', 'in_progress'] as const;

export type RequestStatus = (typeof requestStatuses)[number];

const json = z.nullable(z.record(z.string(), z.unknown()));
const bytes = z.nullable(z.int());
const moment = z.nullable(z.int()).check(z.describe('Unix timestamp, in seconds; null where it is not known'));

/** Where a line stands that is too long for an answer. */
const rangeLinkSchema = z.object({
  url: z.string(),
  expires_at: z.int(),
  range: z.string().check(z.describe('To be sent as the header `range`')),
});

/** One request of a batch, and what became of it. */
export const batchRequestSchema = z.object({
  object: z.literal('batch.request'),
  id: z.string().check(z.describe('Its line')),
  line: z.int().check(z.describe("Its place among the batch's requests, from 1; blank lines of the file do not count")),
  custom_id: z.nullable(z.string()),
  status: z.enum(requestStatuses),
  code: z.nullable(z.string()).check(z.describe('Of its error')),
  is_retryable: z.boolean().check(z.describe('Whether it failed for no fault of its own')),
  format: z.enum(['openai', 'anthropic']).check(z.describe('Whose form the request and its response have')),
  request: json.check(z.describe('The request line; null where it is not kept any more, or too long')),
  response: json.check(
    z.describe("OpenAI's `response`, or Anthropic's `result`; null where there is none, or it is too long"),
  ),
  error: z.nullable(z.object({ code: z.string(), message: z.string() })),
  request_bytes: bytes,
  response_bytes: bytes,
  truncated: z
    .boolean()
    .check(
      z.describe(
        'Whether long texts (they end with …) and long lists are cut, or request or response left out, for their length',
      ),
    ),
  links: z.optional(z.object({ request: z.nullable(rangeLinkSchema), response: z.nullable(rangeLinkSchema) })),
});

export type BatchRequest = z.infer<typeof batchRequestSchema>;
export type RangeLink = z.infer<typeof rangeLinkSchema>;

/** Why requests or answers cannot be shown any more. */
export const goneSchema = z.object({ since: moment, reason: z.string() });

export type Gone = z.infer<typeof goneSchema>;

/** What is said of a page of requests. */
export const requestPageSchema = z.object({
  total: z.int().check(z.describe('Requests of the batch; 0 until they are known')),
  looked: z.int().check(z.describe('How many requests were looked at for this page')),
  looked_to: z.nullable(z.int()).check(z.describe('The line of the last of them')),
  next: z.nullable(z.int()).check(z.describe('To be given as `after`; null at the end')),
  requests_gone: z.nullable(goneSchema),
  answers_gone: z.nullable(goneSchema),
});

export type RequestPage = z.infer<typeof requestPageSchema>;
