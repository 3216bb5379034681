import type { Services } from '../../pipeline/services.ts';
import { InvalidInputError } from '../../records/errors.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { assertLabels, parseRequestedOptions, type RequestedOptions } from '../../records/options.ts';
import { parseJson } from '../../records/parse-json.ts';

/** Options of ours, for clients that only send what their own types know. */
export const optionsHeader = 'x-batchdrop-options';

/** What the API's own version of this resource is called; whoever uses the beta resource sends it. */
const ownBeta = /^message-batches-\d{4}-\d{2}-\d{2}$/;

export interface MessageBatchOptions extends RequestedOptions {
  /** What was asked for, to compare a repeated creation by. */
  asked: JsonObject;
}

/**
 * The options of a message batch: those of the header, and the body's members beside `requests`. One bad request is its own result
 * here, as at Anthropic, unless the configuration or the client says otherwise.
 *
 * @throws InvalidInputError where the two contradict each other, and for what is no option.
 */
export function messageBatchOptions(
  services: Services,
  others: JsonObject,
  header: string | undefined,
  idempotencyKey: string | undefined,
): MessageBatchOptions {
  const ofHeader = header === undefined ? {} : objectIn(header);
  for (const name of Object.keys(ofHeader))
    if (Object.hasOwn(others, name)) throw refused(`${name}: given in the body and in ${optionsHeader}`);
  const asked = { ...ofHeader, ...others };
  const requested = parseRequestedOptions({
    on_invalid_line: 'error_line',
    on_unknown_model: 'error_line',
    ...services.config.defaults,
    ...asked,
    endpoint: endpointOf(asked.endpoint),
    ...(idempotencyKey !== undefined && { idempotency_key: idempotencyKey }),
  });
  assertLabels(requested.options.metadata);
  if (requested.template !== null) throw refused('template: the requests of a message batch are complete');
  if (requested.options.dry_run)
    throw refused('dry_run: a message batch has nowhere to show its report. Use POST /v1/batches for a dry run.');
  return { ...requested, asked };
}

function endpointOf(endpoint: unknown): string {
  if (endpoint === undefined || endpoint === '/v1/messages') return '/v1/messages';
  throw refused("endpoint: the requests of a message batch are for '/v1/messages'");
}

function objectIn(header: string): JsonObject {
  try {
    const value = parseJson(header);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw refused(`${optionsHeader}: must be a JSON object of options, such as {"max_cost_usd": 5}`);
}

/**
 * The betas that each request of the batch is to have.
 *
 * @param header of `anthropic-beta`: names with commas between them.
 * @throws InvalidInputError for what is no beta's name.
 */
export function betasIn(header: string | undefined): string[] {
  const names = (header ?? '').split(',').map((name) => name.trim());
  const betas = names.filter((name) => name !== '' && !ownBeta.test(name));
  const odd = betas.find((name) => !/^[\w.-]{1,100}$/.test(name));
  if (odd !== undefined) throw refused(`anthropic-beta: '${odd.slice(0, 100)}' is no name of a beta`);
  return betas;
}

function refused(message: string): InvalidInputError {
  return new InvalidInputError('invalid_request', message);
}
