import { numericOf, textOf } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { RequestFailure } from '../shared/forms/openai-line.ts';

// Source: google/rpc/code.proto. Its first is OK, which no failure has.
const codes: readonly { name: string; status: number }[] = [
  { name: 'UNKNOWN', status: 500 },
  { name: 'CANCELLED', status: 499 },
  { name: 'UNKNOWN', status: 500 },
  { name: 'INVALID_ARGUMENT', status: 400 },
  { name: 'DEADLINE_EXCEEDED', status: 504 },
  { name: 'NOT_FOUND', status: 404 },
  { name: 'ALREADY_EXISTS', status: 409 },
  { name: 'PERMISSION_DENIED', status: 403 },
  { name: 'RESOURCE_EXHAUSTED', status: 429 },
  { name: 'FAILED_PRECONDITION', status: 400 },
  { name: 'ABORTED', status: 409 },
  { name: 'OUT_OF_RANGE', status: 400 },
  { name: 'UNIMPLEMENTED', status: 501 },
  { name: 'INTERNAL', status: 500 },
  { name: 'UNAVAILABLE', status: 503 },
  { name: 'DATA_LOSS', status: 500 },
  { name: 'UNAUTHENTICATED', status: 401 },
];

/** Whether anything is wrong: an error may be empty, or OK. */
export function isFailure(error: JsonObject): boolean {
  const number = numericOf(error.code);
  if (!Number.isNaN(number)) return number !== 0 && number !== 200;
  return error.status !== 'OK' && Object.keys(error).length > 0;
}

/** A `google.rpc.Status`, whose code is a number of its own; or an HTTP error body, whose code is the HTTP status. */
export function failureOf(error: JsonObject): RequestFailure {
  const number = numericOf(error.code);
  const known = codes.find(({ name }) => name === error.status) ?? codes[number];
  const status = number >= 400 && number <= 599 ? number : (known?.status ?? 500);
  const name = known?.name ?? codes.find((code) => code.status === status)?.name ?? 'UNKNOWN';
  const message = textOf(error.message) ?? `Google answered with ${name}.`;
  return { status, code: name.toLowerCase(), message };
}
