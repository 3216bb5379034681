/** An answer that sends us elsewhere. The key would go along, and whatever answers there would be taken for the provider. */
class RedirectError extends Error {
  override readonly name = 'RedirectError';
}

/**
 * A fetch that follows no redirect: every call that carries a key goes by one. It answers with the place that it was
 * sent to, so that a wrong base URL can be put right.
 *
 * @throws RedirectError
 */
export function refusingRedirects(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    // A body that is streamed asks for `error`, by which fetch keeps no copy of it: see streamedBody.
    const isStreamed = init?.redirect === 'error';
    const response = await send(input, { ...init, redirect: isStreamed ? 'error' : 'manual' });
    const isRedirect = (response.status >= 300 && response.status < 400) || response.type === 'opaqueredirect';
    if (!isRedirect) return response;
    await response.body?.cancel();
    throw new RedirectError(messageFor(input, response));
  };
}

function messageFor(input: string | URL | Request, response: Response): string {
  const asked = placeOf(input instanceof Request ? input.url : input.toString());
  const location = response.headers.get('location');
  const target = location === null ? 'a place that it does not name' : placeOf(location);
  return `${asked} answered with a redirect (HTTP ${response.status}) to ${target}, which is not followed: our key would go there. If that is where the provider is now, make it the account's baseUrl.`;
}

/** Without its query, which may hold a signature. */
function placeOf(url: string): string {
  return url.replace(/[?#].*$/s, '').slice(0, 200);
}
