import { numericOf, objectOf, textOf } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { RequestFailure } from '../shared/forms/openai-line.ts';
import { rpcCodes } from '../shared/rpc-codes.ts';
import { saidError } from '../shared/said-error.ts';

/** The error of a line: an object, or one made of a text; null where there is none. */
export function errorOf(given: unknown): JsonObject | null {
  const message = textOf(given);
  return message === null ? objectOf(given) : { message };
}

/** Whether anything is wrong: an error may be empty, or OK. */
export function isFailure(error: JsonObject): boolean {
  const number = numericOf(error.code);
  if (!Number.isNaN(number)) return number !== 0 && number !== 200;
  return error.status !== 'OK' && Object.keys(error).length > 0;
}

/** A `google.rpc.Status`, whose code is a number of its own; or an HTTP error body, whose code is the HTTP status. */
export function failureOf(error: JsonObject): RequestFailure {
  const number = numericOf(error.code);
  const known = rpcCodes.find(({ name }) => name === error.status) ?? rpcCodes[number];
  const status = number >= 400 && number <= 599 ? number : (known?.status ?? 500);
  const name = known?.name ?? rpcCodes.find((code) => code.status === status)?.name ?? 'UNKNOWN';
  const message = saidError(error).message ?? `Google answered with ${name}.`;
  return { status, code: name.toLowerCase(), message };
}
