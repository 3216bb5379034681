import { z } from 'zod';
import { isObject } from '../../../records/json.ts';
import type { ConnectionSettings } from '../../contract.ts';
import { refusingRedirects } from './refusing-redirects.ts';

/** How calls are sent, and what a caller of the library may change of it. */
export interface OwnSending {
  fetch: typeof fetch;
  defaultHeaders: Record<string, string>;
}

const fetchSchema = z.custom<typeof fetch>((value) => typeof value === 'function').catch(() => fetch);

export function ownSendingOf({ clientOptions }: ConnectionSettings): OwnSending {
  const options = isObject(clientOptions) ? clientOptions : {};
  return {
    fetch: refusingRedirects(fetchSchema.parse(options.fetch)),
    defaultHeaders: headersFrom(options.defaultHeaders),
  };
}

/** Those that can be sent; one that cannot takes no other with it. */
function headersFrom(headers: unknown): Record<string, string> {
  const sendable: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(headers) ? headers : {}))
    if (typeof value === 'string' || typeof value === 'number') sendable[name] = String(value);
  return sendable;
}
