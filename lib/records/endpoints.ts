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

/** Longer than any URL of an API. */
const maxUrlLength = 2_000;

/**
 * The endpoint that a URL stands for: also with a host before it, a query behind it, without its first slash or without `/v1`, as
 * Azure documents `/chat/completions`.
 *
 * @returns null for any other.
 */
export function endpointOf(url: unknown): Endpoint | null {
  if (isEndpoint(url)) return url;
  if (typeof url !== 'string' || url.length > maxUrlLength) return null;
  const [address = ''] = url.split(/[?#]/, 1);
  const segments = address.split('/').filter((segment) => segment !== '');
  const path = /^https?:\/\//i.test(address) ? behindVersion(segments) : withoutVersion(segments);
  const endpoint = path && `/v1/${path.join('/')}`;
  return isEndpoint(endpoint) ? endpoint : null;
}

/** Of a whole URL: hosts have it below `/v1`, `/api/v1`, `/openai/v1` or `/inference/v1`. */
function behindVersion(segments: readonly string[]): string[] | null {
  const version = segments.indexOf('v1');
  return version < 0 ? null : segments.slice(version + 1);
}

function withoutVersion(segments: readonly string[]): string[] {
  const [first] = segments;
  return first === 'v1' ? segments.slice(1) : [...segments];
}

/** The endpoint that a URL was most likely meant for: the longest whose path behind `/v1` it ends with. */
export function nearestEndpoint(url: string): Endpoint | null {
  const [address = ''] = url.slice(0, maxUrlLength).split(/[?#]/, 1);
  const near = endpoints.filter((endpoint) => address.endsWith(endpoint.slice('/v1'.length)));
  return near.toSorted((left, right) => right.length - left.length)[0] ?? null;
}
