import type { FaultSubject, LineTraits } from '../fault-plan.ts';
import { hasUnpairedSurrogate, isJsonObject, parseJson } from '../json.ts';
import { readLines } from '../jsonl-lines.ts';

/** One line of an input, as far as it is one: its id under the name that the service uses, and its request. */
export interface StoredRequest extends LineTraits {
  request: unknown;
}

/** @returns null for a line that is no object, or that holds half of a surrogate pair. */
export function storedRequest(text: string, idName: string, model: string): StoredRequest | null {
  const parsed = parseJson(text);
  if (!isJsonObject(parsed) || hasUnpairedSurrogate(text, parsed)) return null;
  const id = parsed[idName];
  return { customId: typeof id === 'string' ? id : '', model, text, request: parsed.request };
}

/** A batch's input as faults look at it. */
export function inputSubject(endpoint: string, path: string, idName: string, model: string): FaultSubject {
  return { endpoint, lines: () => traitsOf(path, idName, model) };
}

async function* traitsOf(path: string, idName: string, model: string): AsyncGenerator<LineTraits> {
  for await (const { bytes } of readLines(path)) {
    const line = storedRequest(bytes.toString('utf8'), idName, model);
    if (line) yield line;
  }
}
