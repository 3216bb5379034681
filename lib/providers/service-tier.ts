import type { RequestLine } from '../lines/request-line.ts';
import type { LineError } from '../records/openai-batch.ts';
import type { Provider } from './contract.ts';

/** Tiers that ask for nothing in particular. */
const usualTiers: ReadonlySet<unknown> = new Set(['auto', 'default', 'standard', 'on_demand']);

/**
 * What is wrong with the `service_tier` of a line that goes in a batch: a batch has a pace and a price of its own, so another tier goes
 * only where the provider documents it for batches. Single calls may ask for any.
 *
 * @returns null for nothing.
 */
export function tierProblem(
  { body, format }: Pick<RequestLine, 'body' | 'format'>,
  { connect, batchTiers, notes }: Pick<Provider, 'connect' | 'batchTiers' | 'notes'>,
): Omit<LineError, 'line'> | null {
  const tier = body.service_tier;
  if (typeof tier !== 'string' || usualTiers.has(tier) || !connect || batchTiers?.includes(tier)) return null;
  const param = format === 'openai' ? 'body.service_tier' : 'params.service_tier';
  const message = `'${param}' is '${tier.slice(0, 40)}', which ${notes.title} does not document for batches: those have a pace and a price of their own. Leave it out, or send the line to a live endpoint.`;
  return { code: 'unsupported_parameter', message, param };
}
