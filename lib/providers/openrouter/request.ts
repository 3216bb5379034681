import { objectOf, textOf } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { RequestTarget, SharedMembers, TranslatedRequest, Warning } from '../contract.ts';
import { bareLine } from '../shared/forms/bare-line.ts';
import { preferencesSchema } from './settings.ts';

export const openRouterEndpoints = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
] as const satisfies readonly Endpoint[];

const streamDropped: Warning = {
  param: 'body.stream',
  code: 'parameter_dropped',
  message: 'OpenRouter streams nothing in a batch; body.stream was left out.',
};

/**
 * Makes `{custom_id, body}` of a line, each value of the body in its own bytes but without its model and its provider: those stand
 * with the batch. Source: https://openrouter.ai/docs/batch-quickstart, read 2026-11.
 */
export function translateRequest(request: RequestLine, { lineId }: RequestTarget): TranslatedRequest {
  if (!openRouterEndpoints.some((endpoint) => endpoint === request.endpoint) || request.format !== 'openai')
    return wrongEndpoint(request.endpoint);
  const problem = inlineProblem(request.body);
  if (problem) return { ok: false, error: problem };
  const bytes = bareLine(request.bytes, lineId, ['model', 'provider', 'stream']);
  return { ok: true, bytes, warnings: request.body.stream === true ? [streamDropped] : [] };
}

/** `provider` of a line; lines that say otherwise go in another batch. */
export function preferencesOf({ body }: Pick<RequestLine, 'body'>): SharedMembers {
  const error = preferencesProblem(body);
  if (error) return { ok: false, error };
  const { only, allow_fallbacks } = preferencesSchema.nullish().parse(body.provider) ?? {};
  if (only === undefined && allow_fallbacks === undefined) return { ok: true, shared: null };
  return {
    ok: true,
    shared: { provider: { ...(only && { only }), ...(allow_fallbacks !== undefined && { allow_fallbacks }) } },
  };
}

interface Problem {
  code: string;
  message: string;
  param: string;
}

function preferencesProblem({ provider }: JsonObject): Problem | null {
  const read = preferencesSchema.nullish().safeParse(provider);
  if (read.success) return null;
  const [issue] = read.error.issues;
  const wrong = issue?.code === 'unrecognized_keys' ? issue.keys : (issue?.path ?? []).slice(0, 1);
  const param = ['body.provider', ...wrong.slice(0, 1)].join('.');
  const message = `OpenRouter's batches take only 'only' (a list of names) and 'allow_fallbacks' of 'body.provider'. Leave '${param}' out, or put it right.`;
  return { code: 'unsupported_parameter', message, param };
}

/** Pictures and files go by URL only; one that stands in its line would fail the whole batch. */
function inlineProblem(body: JsonObject): Problem | null {
  for (const member of ['messages', 'input']) {
    const turns: unknown = body[member];
    if (!Array.isArray(turns)) continue;
    for (const [turn, { content }] of turns.entries().filter(isTurn).map(withContent)) {
      const part = content.findIndex(holdsData);
      if (part < 0) continue;
      const param = `body.${member}[${turn}].content[${part}]`;
      const message = `OpenRouter's batches take pictures and files by URL only, and '${param}' holds its bytes. Refer to it by a public URL, or route the model to another provider.`;
      return { code: 'unsupported_parameter', message, param };
    }
  }
  return null;
}

function isTurn(entry: [number, unknown]): entry is [number, JsonObject] {
  return isObject(entry[1]);
}

function withContent([turn, { content }]: [number, JsonObject]): [number, { content: unknown[] }] {
  return [turn, { content: Array.isArray(content) ? content : [] }];
}

/** Of a chat completion, or of a Response. */
function holdsData(part: unknown): boolean {
  const { image_url: image, file, input_audio: audio, file_data: data } = objectOf(part) ?? {};
  const url = textOf(image) ?? textOf(objectOf(image)?.url);
  const fileData = data ?? objectOf(file)?.file_data;
  return (
    audio !== undefined || url?.startsWith('data:') === true || (typeof fileData === 'string' && !isHttp(fileData))
  );
}

function isHttp(text: string): boolean {
  return /^https?:\/\//i.test(text.slice(0, 10));
}

function wrongEndpoint(endpoint: Endpoint): TranslatedRequest {
  const message = `OpenRouter has no ${endpoint} in batches. Write the line for ${openRouterEndpoints.join(' or ')}, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
