import type { Fetcher } from '@mistralai/mistralai/lib/http.js';
import { isObject } from '../../records/json.ts';
import { parseJson } from '../../records/parse-json.ts';
import type { ConnectionSettings } from '../contract.ts';
import { ownSendingOf } from '../shared/http/own-sending.ts';

/** Sends as a caller of the library asks for: by a fetch of its own, with headers of its own. */
export type Send = (url: URL, init: RequestInit) => Promise<Response>;

export function sendFor(settings: ConnectionSettings): Send {
  const { fetch: send, defaultHeaders } = ownSendingOf(settings);
  return (url, init) => {
    const headers = { ...defaultHeaders, ...Object.fromEntries(new Headers(init.headers)) };
    return send(url.href, { ...init, headers });
  };
}

/**
 * Sends the SDK's requests, with what it would leave out: members of a creation's body and query parameters of any other
 * call that only the caller knows.
 */
export function fetcherFor(send: Send, providerOptions: object): Fetcher {
  return async (input, init) => {
    // The SDK's own request, which it keeps: of one made here the signal would be lost with it, to the garbage collector.
    const request = input instanceof Request ? input : new Request(input, init);
    const { method, headers, signal } = request;
    const url = new URL(request.url);
    const text = request.body ? await request.text() : null;
    if (text !== null) return await send(url, { method, headers, signal, body: withMembers(text, providerOptions) });
    for (const [name, value] of Object.entries(providerOptions)) url.searchParams.set(name, String(value));
    return await send(url, { method, headers, signal });
  };
}

function withMembers(text: string, members: object): string {
  const body: unknown = parseJson(text);
  return isObject(body) ? JSON.stringify({ ...body, ...members }) : text;
}
