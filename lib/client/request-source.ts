import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Endpoint } from '../records/endpoints.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { exactJson } from './json-values.ts';

/** A request in OpenAI's batch form; `method` and `url` may be left out. */
export interface OpenAIRequest {
  custom_id: string;
  method?: 'POST';
  /** Default: the batch's endpoint, or chat completions. */
  url?: Endpoint;
  body: object;
}

/** A request in Anthropic's own batch form, for `/v1/messages`. */
export interface AnthropicRequest {
  custom_id: string;
  params: object;
}

export type BatchRequest = OpenAIRequest | AnthropicRequest;

/** Path of a JSONL file, or the requests themselves; they are read once and never held together. */
export type BatchInput = string | URL | Iterable<BatchRequest> | AsyncIterable<BatchRequest>;

/** The default of everything here: what most batches are for. */
export const usualEndpoint = '/v1/chat/completions';

/**
 * The input as JSON lines, in pieces of any length.
 *
 * @throws InvalidInputError for a file that cannot be read and a request that is no JSON.
 */
export function inputBytes(input: BatchInput, endpoint: Endpoint | undefined): AsyncIterable<Buffer> {
  if (typeof input === 'string' || input instanceof URL) return fileBytes(input);
  return requestLines(input, endpoint ?? usualEndpoint);
}

async function* fileBytes(path: string | URL): AsyncGenerator<Buffer> {
  try {
    if ((await stat(path)).isDirectory()) throw new Error('it is a folder');
    yield* createReadStream(path);
  } catch (error) {
    const message = `The input file ${path} cannot be read: ${messageOf(error)}`;
    throw new InvalidInputError('input_unreadable', message, { cause: error, param: 'input' });
  }
}

async function* requestLines(
  requests: Iterable<BatchRequest> | AsyncIterable<BatchRequest>,
  endpoint: Endpoint,
): AsyncGenerator<Buffer> {
  let line = 0;
  for await (const request of requests) {
    line += 1;
    yield Buffer.from(`${toJson(request, endpoint, line)}\n`);
  }
}

function toJson(request: BatchRequest, endpoint: Endpoint, line: number): string {
  try {
    return exactJson(withAddress(request, endpoint));
  } catch (cause) {
    const message = `This request cannot be written as JSON: ${messageOf(cause)}`;
    const errors = [{ code: 'invalid_json_line', message, param: null, line }];
    throw new InvalidInputError('invalid_json_line', `line ${line}: ${message}`, { cause, errors });
  }
}

function withAddress(request: BatchRequest, endpoint: Endpoint): object {
  if (typeof request !== 'object' || request === null || 'params' in request) return request;
  return { method: 'POST', url: endpoint, ...request };
}
