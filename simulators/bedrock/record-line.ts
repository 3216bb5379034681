import { z } from 'zod';
import type { FaultSubject, LineTraits } from '../fault-plan.ts';
import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import { readLines } from '../jsonl-lines.ts';

/** One record of a job's input. */
export interface RecordLine extends LineTraits {
  modelInput: JsonObject;
}

const recordSchema = z.strictObject({
  recordId: z.string().regex(/^[a-zA-Z0-9]{1,64}$/),
  modelInput: z.record(z.string(), z.unknown()),
});

/** @returns null for a line that is no record. */
export function recordFrom(text: string, model: string): RecordLine | null {
  const record = recordSchema.safeParse(parseJson(text));
  if (!record.success) return null;
  const { recordId, modelInput } = record.data;
  return { customId: recordId, model, text, modelInput };
}

/** A job's input as faults look at it. */
export function inputSubject(path: string, model: string): FaultSubject {
  return { endpoint: '/model-invocation-job', lines: () => records(path, model) };
}

async function* records(path: string, model: string): AsyncGenerator<LineTraits> {
  for await (const { bytes } of readLines(path)) {
    const text = bytes.toString('utf8');
    const line = parseJson(text);
    const customId = isJsonObject(line) && typeof line.recordId === 'string' ? line.recordId : '';
    yield { customId, model, text };
  }
}
