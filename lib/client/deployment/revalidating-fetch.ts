/** Answers that are remembered: a page watches a few addresses at a time. */
const maxRemembered = 50;

interface Remembered {
  etag: string;
  text: string;
  headers: Headers;
}

/**
 * A fetch that asks for the same answer again with its ETag. Where nothing has changed the deployment sends no body, and the answer is
 * the one of before. For the option `fetch` of a client that looks at the same things again and again.
 */
export function revalidatingFetch(send: typeof fetch = fetch): typeof fetch {
  const remembered = new Map<string, Remembered>();
  return async (target, init) => {
    if ((init?.method ?? 'GET') !== 'GET') return send(target, init);
    const headers = new Headers(init?.headers);
    // Another key may see something else.
    const name = `${headers.get('authorization')} ${target instanceof Request ? target.url : target}`;
    const known = remembered.get(name);
    if (known) headers.set('if-none-match', known.etag);
    const answer = await send(target, { ...init, headers });
    if (answer.status === 304 && known) return new Response(known.text, { headers: known.headers });
    const etag = answer.headers.get('etag');
    if (answer.status !== 200 || etag === null) return answer;
    const text = await answer.text();
    remembered.delete(name);
    remembered.set(name, { etag, text, headers: answer.headers });
    for (const oldest of remembered.keys()) if (remembered.size > maxRemembered) remembered.delete(oldest);
    return new Response(text, { headers: answer.headers });
  };
}
