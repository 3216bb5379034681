import { exactBody } from '../../lines/exact-body.ts';
import { splice } from '../../lines/json-spans.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { RequestTarget, TranslatedRequest, Warning } from '../contract.ts';
import { bareLine, requestMembers } from '../shared/forms/bare-line.ts';

export const fireworksEndpoints = ['/v1/chat/completions'] as const satisfies readonly Endpoint[];

const streamDropped: Warning = {
  param: 'body.stream',
  code: 'parameter_dropped',
  message: 'Fireworks streams nothing in a batch; body.stream was left out.',
};

/**
 * Makes `{custom_id, body}` of a line, each value of the body in its own bytes but without its model, which stands with the job.
 * Source: https://docs.fireworks.ai/guides/batch-inference, read 2026-11.
 */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  if (request.format !== 'openai' || request.endpoint !== '/v1/chat/completions')
    return wrongEndpoint(request.endpoint);
  const bytes = bareLine(withKnownRoles(request), target.lineId, ['model', 'stream']);
  return { ok: true, bytes, warnings: request.body.stream === true ? [streamDropped] : [] };
}

/** Fireworks knows no role `developer`, and one such message fails the whole job. */
function withKnownRoles(request: RequestLine): Buffer {
  const { bytes, body } = request;
  if (!Array.isArray(body.messages) || !body.messages.some(isDeveloper)) return bytes;
  const { messages } = exactBody(request);
  if (!Array.isArray(messages)) return bytes;
  const changed = messages.map((message: unknown) => (isDeveloper(message) ? { ...message, role: 'system' } : message));
  const value = JSON.stringify(changed);
  const spans = requestMembers(bytes).filter(({ key }) => key === 'messages');
  return splice(
    bytes,
    spans.map((span) => ({ span, value })),
  );
}

function isDeveloper(message: unknown): message is JsonObject {
  return isObject(message) && message.role === 'developer';
}

function wrongEndpoint(endpoint: Endpoint): TranslatedRequest {
  const message = `Fireworks has no ${endpoint} in batches. Write the line for /v1/chat/completions, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
