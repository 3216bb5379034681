import { saidInBody } from '../said-error.ts';

/** Statuses with which a Response can be made. */
const statuses = { first: 400, last: 599 };

/** Of the body as it came, not of the one that is made of it. */
const bodyHeaders = ['content-length', 'content-encoding', 'transfer-encoding'];

/**
 * Hands on answers of 400 and above with what they say in OpenAI's form, `{error: {message, type, param, code}}`, whatever they are: the
 * SDKs of OpenAI and Anthropic read no other, and throw the rest away.
 */
export function readableRefusals(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    const { status } = response;
    return status < statuses.first || status > statuses.last ? response : await readable(response);
  };
}

async function readable(response: Response): Promise<Response> {
  const text = await response.text().catch(() => '');
  const said = saidInBody(text);
  const isSilent = Object.values(said).every((value) => value === null);
  const headers = new Headers(response.headers);
  for (const name of bodyHeaders) headers.delete(name);
  const { status, statusText } = response;
  return new Response(isSilent ? null : JSON.stringify({ error: said }), { status, statusText, headers });
}
