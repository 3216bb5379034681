import type { Endpoint } from '../../core/endpoints.ts';
import { type Span, splice } from '../../core/json-spans.ts';
import type { RequestLine } from '../../core/request-line.ts';
import type { RequestTarget, TranslatedRequest } from '../provider.ts';

/** OpenAI's own eight. Source: openai 7.55 `BatchCreateParams.endpoint`. */
export const openAIEndpoints = [
  '/v1/responses',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/videos',
] as const satisfies readonly Endpoint[];

export type OpenAIEndpoint = (typeof openAIEndpoints)[number];

export function isOpenAIEndpoint(endpoint: Endpoint): endpoint is OpenAIEndpoint {
  return openAIEndpoints.some((known) => known === endpoint);
}

export function passesThrough({ format, endpoint }: Pick<RequestLine, 'format' | 'endpoint'>): boolean {
  return format === 'openai' && isOpenAIEndpoint(endpoint);
}

/** Passes a line through: only the values of custom_id and, where it changes, body.model are replaced. */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  if (!passesThrough(request)) return refusal(request);
  const replacements = [{ span: request.spans.customId, value: JSON.stringify(target.lineId) }];
  if (target.model !== request.model)
    replacements.push({ span: request.spans.model, value: JSON.stringify(target.model) });
  return { ok: true, bytes: splice(request.bytes, replacements.toSorted(bySpan)), warnings: [] };
}

function bySpan(left: { span: Span }, right: { span: Span }): number {
  return left.span.start - right.span.start;
}

function refusal(request: RequestLine): TranslatedRequest {
  const message = `OpenAI has no ${request.endpoint}. Write the line for /v1/chat/completions or /v1/responses, or route its model to an Anthropic provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
