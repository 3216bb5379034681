import type { FaultSubject, LineTraits } from '../fault-plan.ts';
import { isJsonObject, parseJson } from '../json.ts';
import { readLines } from '../jsonl-lines.ts';

/**
 * A batch's input as faults look at it.
 *
 * @param path null where there is no input.
 * @param model that of the batch, where its lines do not name one.
 */
export function inputSubject(endpoint: string, path: string | null, model?: string): FaultSubject {
  return { endpoint, lines: () => (path === null ? noLines() : lineTraits(path, model)) };
}

async function* noLines(): AsyncGenerator<LineTraits> {}

async function* lineTraits(path: string, model: string | undefined): AsyncGenerator<LineTraits> {
  for await (const { bytes } of readLines(path)) {
    const text = bytes.toString('utf8');
    const parsed = parseJson(text);
    if (!isJsonObject(parsed)) continue;
    const body = isJsonObject(parsed.body) ? parsed.body : {};
    yield { customId: String(parsed.custom_id), model: model ?? String(body.model), text };
  }
}
