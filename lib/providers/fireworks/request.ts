import { exactBody } from '../../lines/exact-body.ts';
import { membersOf } from '../../lines/json-spans.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { RequestTarget, TranslatedRequest, Warning } from '../contract.ts';

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
  const messages = changedMessages(request);
  const kept = bodyMembers(request.bytes).filter(({ key }) => key !== 'model' && key !== 'stream');
  const body = kept.flatMap(({ key, start, end }) => [
    Buffer.from(`,${JSON.stringify(key)}:`),
    key === 'messages' && messages ? messages : request.bytes.subarray(start, end),
  ]);
  const head = Buffer.from(`{"custom_id":${JSON.stringify(target.lineId)},"body":{`);
  const bytes = Buffer.concat([head, Buffer.concat(body).subarray(1), Buffer.from('}}')]);
  return { ok: true, bytes, warnings: request.body.stream === true ? [streamDropped] : [] };
}

/** Fireworks knows no role `developer`, and one such message fails the whole job; null where there is none. */
function changedMessages(request: RequestLine): Buffer | null {
  const { messages } = exactBody(request);
  if (!Array.isArray(messages) || !messages.some(isDeveloper)) return null;
  const changed = messages.map((message: unknown) => (isDeveloper(message) ? { ...message, role: 'system' } : message));
  return Buffer.from(JSON.stringify(changed));
}

function isDeveloper(message: unknown): message is JsonObject {
  return isObject(message) && message.role === 'developer';
}

function bodyMembers(line: Buffer) {
  const body = membersOf(line).find(({ key }) => key === 'body');
  return body ? membersOf(line, body.start) : [];
}

function wrongEndpoint(endpoint: Endpoint): TranslatedRequest {
  const message = `Fireworks has no ${endpoint} in batches. Write the line for /v1/chat/completions, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
