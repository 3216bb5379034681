import type { IncomingMessage } from 'node:http';
import type { LiveEndpoint } from './live-call.ts';

/** What is known of the program that makes a call, and so how it can be kept waiting. */
export interface CallerKind {
  name: string;
  /** The interim response that was measured to keep it waiting; null where none was. */
  interim: 102 | 100 | null;
  /** How long it is kept before it is asked to come again. */
  holdSeconds: number;
  /** How long a `retry-after` it honours. */
  retryAfterSeconds: number;
  /** How long it waits by itself, and the setting that makes it a day; null where nothing is known. */
  hint: string | null;
}

const knownHoldSeconds = 540;
const unknownHoldSeconds = 50;

/** Ways of reaching us behind which somebody else would get the interim responses. */
const proxyHeaders = ['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];

/**
 * Knows a caller by what the official clients and common libraries say of themselves. What an interim response does to each was
 * measured: undici takes an unasked 100 for a bad response, and Python's http.client takes a 102 for the final answer.
 */
export function callerKindOf(request: IncomingMessage, endpoint: LiveEndpoint): CallerKind {
  const kind = namedKind(request, endpoint);
  return mayGetInterim(request) ? kind : { ...kind, interim: null };
}

function namedKind({ headers }: IncomingMessage, endpoint: LiveEndpoint): CallerKind {
  const language = headers['x-stainless-lang'];
  const agent = headers['user-agent'] ?? '';
  const isAnthropic = endpoint === '/v1/messages' || headers['anthropic-version'] !== undefined;
  if (language === 'js')
    return official(`${isAnthropic ? 'Anthropic' : 'OpenAI'} for JavaScript`, {
      interim: headers['x-stainless-runtime'] === 'node' ? 102 : null,
      retryAfterSeconds: isAnthropic ? 600 : 60,
      hint: 'timeout: 25 * 3600 * 1000',
    });
  if (language === 'python')
    return official(`${isAnthropic ? 'Anthropic' : 'OpenAI'} for Python`, {
      interim: 102,
      retryAfterSeconds: isAnthropic ? 600 : 120,
      hint: 'timeout=25 * 3600',
    });
  if (/^(python-requests|Python-urllib)\//.test(agent))
    return {
      name: agent.split('/')[0] ?? agent,
      interim: 100,
      holdSeconds: knownHoldSeconds,
      retryAfterSeconds: 60,
      hint: 'timeout=25 * 3600',
    };
  return {
    name: 'an unknown client',
    interim: null,
    holdSeconds: unknownHoldSeconds,
    retryAfterSeconds: 60,
    hint: null,
  };
}

function official(
  name: string,
  { interim, retryAfterSeconds, hint }: Pick<CallerKind, 'interim' | 'retryAfterSeconds' | 'hint'>,
): CallerKind {
  return { name, interim, holdSeconds: knownHoldSeconds, retryAfterSeconds, hint };
}

function mayGetInterim({ httpVersion, headers, socket }: IncomingMessage): boolean {
  return (
    httpVersion === '1.1' &&
    isLoopback(socket.remoteAddress ?? '') &&
    !proxyHeaders.some((name) => headers[name] !== undefined)
  );
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
