import { z } from 'zod';
import type { FaultSubject, LineTraits } from '../fault-plan.ts';
import { isJsonObject, parseJson } from '../json.ts';
import { readLines } from '../jsonl-lines.ts';

/** One request of a batch, as it is stored. */
export interface RequestLine extends LineTraits {
  params: unknown;
}

const storedLineSchema = z.object({ custom_id: z.string(), params: z.unknown() });

/** The line was checked when it came in: one that is not of this shape now is a bug, and throws. */
export function parseRequestLine(text: string): RequestLine {
  const { custom_id: customId, params } = storedLineSchema.parse(parseJson(text));
  const model = isJsonObject(params) && typeof params.model === 'string' ? params.model : '';
  return { customId, model, text, params };
}

/** A batch's input as faults look at it. */
export function inputSubject(endpoint: string, path: string): FaultSubject {
  return { endpoint, lines: () => requestLines(path) };
}

async function* requestLines(path: string): AsyncGenerator<LineTraits> {
  for await (const { bytes } of readLines(path)) yield parseRequestLine(bytes.toString('utf8'));
}
