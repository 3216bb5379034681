import { withoutEndSlashes } from './base-url.ts';

/** Name of the token in the fragment of a link that signs in; a fragment is in no log and goes to no server. */
const tokenName = 'token';

/** The address of a deployment's console, with a token that signs in. */
export function consoleUrl(apiUrl: string, token?: string): string {
  const page = `${withoutEndSlashes(apiUrl).replace(/\/v1$/, '')}/`;
  return token === undefined ? page : `${page}#${tokenName}=${token}`;
}

/** @returns the token in a page's fragment, or null. */
export function tokenIn(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, '')).get(tokenName);
}
