/**
 * What a batch can be for. The first eight are OpenAI's (openai 7.55 `BatchCreateParams.endpoint`, read 2026-11);
 * `/v1/messages` stands for lines in Anthropic's own `{custom_id, params}` form.
 */
export const endpoints = [
  '/v1/responses',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/videos',
  '/v1/messages',
] as const;

export type Endpoint = (typeof endpoints)[number];

export function isEndpoint(value: unknown): value is Endpoint {
  return endpoints.some((endpoint) => endpoint === value);
}
