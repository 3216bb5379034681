import { membersOf, type Span, splice } from '../../lines/json-spans.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { Provider, RequestTarget, TranslatedRequest } from '../contract.ts';

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

/**
 * Passes lines through: only the values of custom_id and, where it changes, body.model are replaced, and method and url of a line
 * that has them not as OpenAI does.
 */
export function passedRequests(
  service: string,
  endpoints: readonly Endpoint[],
): Pick<Provider, 'endpoints' | 'passesThrough' | 'translateRequest'> {
  const passesThrough: Provider['passesThrough'] = ({ format, endpoint }) =>
    format === 'openai' && endpoints.includes(endpoint);
  return {
    endpoints,
    passesThrough,
    translateRequest: (request, target) =>
      passesThrough(request) ? passOn(request, target) : refusal(service, endpoints, request),
  };
}

function passOn(request: RequestLine, target: RequestTarget): TranslatedRequest {
  if (!request.isAddressed) return { ok: true, bytes: addressed(request, target), warnings: [] };
  const replacements = [{ span: request.spans.customId, value: JSON.stringify(target.lineId) }];
  if (target.model !== request.model)
    replacements.push({ span: request.spans.model, value: JSON.stringify(target.model) });
  return { ok: true, bytes: splice(request.bytes, replacements.toSorted(bySpan)), warnings: [] };
}

/** The line with method and url as OpenAI has them; its other members keep their bytes. */
function addressed({ bytes, endpoint, spans }: RequestLine, { lineId, model }: RequestTarget): Buffer {
  const others = membersOf(bytes).filter(({ key }) => !['custom_id', 'method', 'url'].includes(key));
  const members = others.flatMap(({ key, start, end }) => {
    const name = Buffer.from(`,${JSON.stringify(key)}:`);
    if (key !== 'body') return [name, bytes.subarray(start, end)];
    const [before, behind] = [bytes.subarray(start, spans.model.start), bytes.subarray(spans.model.end, end)];
    return [name, before, Buffer.from(JSON.stringify(model)), behind];
  });
  const head = `{"custom_id":${JSON.stringify(lineId)},"method":"POST","url":"${endpoint}"`;
  return Buffer.concat([Buffer.from(head), ...members, Buffer.from('}')]);
}

function bySpan(left: { span: Span }, right: { span: Span }): number {
  return left.span.start - right.span.start;
}

function refusal(service: string, endpoints: readonly Endpoint[], request: RequestLine): TranslatedRequest {
  const usual = endpoints.filter((endpoint) => endpoint === '/v1/chat/completions' || endpoint === '/v1/responses');
  const message = `${service} has no ${request.endpoint} in batches. Write the line for ${usual.join(' or ')}, or route its model to a provider that has it.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
