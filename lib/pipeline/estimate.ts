import type { Endpoint } from '../core/endpoints.ts';
import type { RequestLine } from '../core/request-line.ts';
import { addUsage, noUsage, type Usage, usageOf } from '../core/usage.ts';

/** Bytes of JSON that make a token of English text, roughly; other languages and images differ. */
const bytesPerToken = 4;
/** Output tokens of a request that sets no limit of its own. */
const assumedOutputTokens = 1_000;

/** What a request will use at most, as far as that can be said before it ran. */
export function estimateUsage(request: RequestLine, bodyBytes: number): Usage {
  return usageOf({ input: Math.ceil(bodyBytes / bytesPerToken), output: estimateOutput(request) });
}

function estimateOutput(request: RequestLine): number {
  if (!generatesText(request.endpoint)) return 0;
  const { body } = request;
  const limit = [body.max_completion_tokens, body.max_output_tokens, body.max_tokens].find(
    (value) => typeof value === 'number',
  );
  const choices = typeof body.n === 'number' && body.n > 0 ? body.n : 1;
  return (typeof limit === 'number' && limit > 0 ? Math.ceil(limit) : assumedOutputTokens) * choices;
}

function generatesText(endpoint: Endpoint): boolean {
  switch (endpoint) {
    case '/v1/responses':
    case '/v1/chat/completions':
    case '/v1/completions':
    case '/v1/messages':
      return true;
    case '/v1/embeddings':
    case '/v1/moderations':
    case '/v1/images/generations':
    case '/v1/images/edits':
    case '/v1/videos':
      return false;
  }
}

/** Sums estimates by provider and model. */
export class UsageByModel {
  readonly #usage = new Map<string, { provider: string; model: string; usage: Usage }>();

  add(provider: string, model: string, usage: Usage): void {
    const key = JSON.stringify([provider, model]);
    const known = this.#usage.get(key)?.usage ?? noUsage;
    this.#usage.set(key, { provider, model, usage: addUsage(known, usage) });
  }

  list(): { provider: string; model: string; usage: Usage }[] {
    return [...this.#usage.values()];
  }

  total(): Usage {
    return this.list().reduce((sum, part) => addUsage(sum, part.usage), noUsage);
  }
}
