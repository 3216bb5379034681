import { exactBody } from '../../lines/exact-body.ts';
import { type Member, membersOf, piecesOf, splice, startOfMember } from '../../lines/json-spans.ts';
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
  const line = withKnownRoles(request);
  const kept = bodyMembers(line).filter(({ key }) => key !== 'model' && key !== 'stream');
  const head = Buffer.from(`{"custom_id":${JSON.stringify(target.lineId)},"body":{`);
  const bytes = Buffer.concat([head, ...piecesOf(line, kept), end]);
  return { ok: true, bytes, warnings: request.body.stream === true ? [streamDropped] : [] };
}

const end = Buffer.from('}}');

/** Fireworks knows no role `developer`, and one such message fails the whole job. */
function withKnownRoles(request: RequestLine): Buffer {
  const { bytes, body } = request;
  if (!Array.isArray(body.messages) || !body.messages.some(isDeveloper)) return bytes;
  const { messages } = exactBody(request);
  if (!Array.isArray(messages)) return bytes;
  const changed = messages.map((message: unknown) => (isDeveloper(message) ? { ...message, role: 'system' } : message));
  const value = JSON.stringify(changed);
  const spans = bodyMembers(bytes).filter(({ key }) => key === 'messages');
  return splice(
    bytes,
    spans.map((span) => ({ span, value })),
  );
}

function isDeveloper(message: unknown): message is JsonObject {
  return isObject(message) && message.role === 'developer';
}

function bodyMembers(line: Buffer): Member[] {
  const start = startOfMember(line, 'body');
  return start === null ? [] : membersOf(line, start);
}

function wrongEndpoint(endpoint: Endpoint): TranslatedRequest {
  const message = `Fireworks has no ${endpoint} in batches. Write the line for /v1/chat/completions, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
