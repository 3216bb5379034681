import { membersOf, type Span, splice } from '../../lines/json-spans.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { RequestTarget, TranslatedRequest } from '../contract.ts';
import { translatedRequest } from '../shared/chat/translated-request.ts';
import { bareLine } from '../shared/forms/bare-line.ts';
import { namesBetas } from './betas.ts';
import { messagesFromChat } from './messages-from-chat.ts';

/** Chat completions are translated; Messages go on in their own bytes. */
export const anthropicEndpoints = ['/v1/chat/completions', '/v1/messages'] as const satisfies readonly Endpoint[];

export function passesThrough({ format }: Pick<RequestLine, 'format'>): boolean {
  return format === 'anthropic';
}

/** Makes `{custom_id, params}` of a line. */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  if (request.endpoint === '/v1/messages' && namesBetas(request))
    return { ok: true, bytes: lineWithoutBetas(request, target), warnings: [] };
  if (passesThrough(request)) return { ok: true, bytes: nativeLine(request, target), warnings: [] };
  if (request.endpoint === '/v1/messages') return { ok: true, bytes: wrappedBody(request, target), warnings: [] };
  if (request.endpoint === '/v1/chat/completions') return translateChat(request, target);
  const message = `Anthropic has no ${request.endpoint}. Write the line for /v1/chat/completions or /v1/messages, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}

/** The line's own bytes, with our id and the provider's name of the model. */
function nativeLine(request: RequestLine, target: RequestTarget): Buffer {
  const replacements = [{ span: request.spans.customId, value: JSON.stringify(target.lineId) }];
  if (target.model !== request.model)
    replacements.push({ span: request.spans.model, value: JSON.stringify(target.model) });
  return splice(request.bytes, replacements.toSorted(bySpan));
}

function bySpan(left: { span: Span }, right: { span: Span }): number {
  return left.span.start - right.span.start;
}

/** A Messages body in OpenAI's wrapping: the body's own bytes in Anthropic's. */
function wrappedBody(request: RequestLine, target: RequestTarget): Buffer {
  const { bytes, spans } = request;
  const body = membersOf(bytes).find((member) => member.key === 'body') ?? { start: 0, end: bytes.length };
  const isRenamed = target.model !== request.model;
  return Buffer.concat([
    Buffer.from(`{"custom_id":${JSON.stringify(target.lineId)},"params":`),
    bytes.subarray(body.start, isRenamed ? spans.model.start : body.end),
    ...(isRenamed ? [Buffer.from(JSON.stringify(target.model)), bytes.subarray(spans.model.end, body.end)] : []),
    Buffer.from('}'),
  ]);
}

/** A Message whose betas go in a header; its other members keep their bytes. */
function lineWithoutBetas({ bytes, format, spans }: RequestLine, { lineId, model }: RequestTarget): Buffer {
  const renamed = splice(bytes, [{ span: spans.model, value: JSON.stringify(model) }]);
  const member = format === 'anthropic' ? 'params' : 'body';
  return bareLine(renamed, lineId, ['betas'], { member, sentAs: 'params' });
}

function translateChat(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedRequest('Anthropic', (notes) => {
    const params = messagesFromChat(request, target, notes);
    return Buffer.from(JSON.stringify({ custom_id: target.lineId, params }));
  });
}
