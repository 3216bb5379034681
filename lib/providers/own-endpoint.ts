import type { Endpoint } from '../records/endpoints.ts';
import type { Translation } from './contract.ts';

/** The provider's own endpoint to which lines for an endpoint are sent: another one where they go through chat completions. */
export function ownEndpoint(translation: Translation, asked: { endpoint: Endpoint; model: string }): Endpoint {
  return translation.ownEndpoint?.(asked) ?? asked.endpoint;
}
