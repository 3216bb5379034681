import * as z from 'zod/mini';
import { refusalDetail } from '../lib/client/deployment/replies.ts';
import { tokenIn } from '../lib/records/console-url.ts';

/** Of the tab, and gone with it. */
const keyName = 'batchdrop.api-key';

const sessionSchema = z.object({ api_key: z.string() });

export function storedKey(): string | null {
  return sessionStorage.getItem(keyName);
}

export function storeKey(apiKey: string): void {
  sessionStorage.setItem(keyName, apiKey);
}

export function forgetKey(): void {
  sessionStorage.removeItem(keyName);
}

/** @returns the token of the link that opened the page, which is taken out of the address at once. */
export function takeToken(): string | null {
  const token = tokenIn(location.hash);
  if (token !== null) history.replaceState(null, '', location.pathname);
  return token;
}

/**
 * Trades the token of a link for an API key, which works once.
 *
 * @throws Error with a sentence for the person who opened the link.
 */
export async function tradeToken(token: string): Promise<string> {
  const response = await fetch('/console/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  }).catch((cause: unknown) => {
    throw new Error('Nobody answers here any more. Start the stack again, and open the address that it prints.', {
      cause,
    });
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(refusalDetail(text)?.message ?? `The link was refused with status ${response.status}.`);
  return sessionSchema.parse(JSON.parse(text)).api_key;
}
