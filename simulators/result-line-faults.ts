import type { BatchRecord } from './batch-record.ts';
import { type LineTraits, lineMatches } from './fault-plan.ts';
import type { FaultOfKind } from './faults.ts';
import { isJsonObject, type JsonObject, parseJson } from './json.ts';

/** Damages a batch's result lines as its faults say; the counts that the batch shows stay those of a whole result. */
export class ResultLineFaults {
  readonly #faults: { fault: FaultOfKind<'result_line'>; linesLeft: number }[];

  constructor(record: BatchRecord) {
    this.#faults = record.faults
      .filter((fault) => fault.kind === 'result_line')
      .map((fault) => ({ fault, linesLeft: fault.lines ?? 1 }));
  }

  /** @returns the lines to be written in place of this one. `asForeign` makes one like it that nobody asked for. */
  apply(line: string, traits: LineTraits, asForeign: () => string): string[] {
    let own = [line];
    const foreign: string[] = [];
    for (const standing of this.#faults) {
      // A fault is spent on a line that is still there to be damaged.
      if (own.length === 0 || standing.linesLeft === 0 || !lineMatches(standing.fault.match, traits)) continue;
      standing.linesLeft -= 1;
      if (standing.fault.effect === 'foreign') foreign.push(asForeign());
      else own = own.flatMap((text) => damage(standing.fault.effect, text));
    }
    return [...own, ...foreign];
  }
}

function damage(effect: FaultOfKind<'result_line'>['effect'], line: string): string[] {
  switch (effect) {
    case 'lost':
      return [];
    case 'malformed':
      return [line.slice(0, Math.ceil(line.length / 2))];
    case 'doubled':
      return [line, line];
    case 'foreign':
      return [line];
    case 'nameless':
      return [changed(line, (result) => without(result, lineNames))];
    case 'status_zero':
      return [changed(line, withStatusZero)];
    case 'absurd_usage':
      return [changed(line, (result) => withAbsurdUsage(result))];
    case 'numeric_code':
      return [changed(line, (result) => ({ ...result, response: null, error: { code: 400, message: 'boom' } }))];
  }
}

/** What names a result line, at one service or another. */
const lineNames = ['custom_id', 'key', 'recordId', 'batch_request_id'];

function changed(line: string, change: (result: JsonObject) => JsonObject): string {
  const result = parseJson(line);
  return isJsonObject(result) ? JSON.stringify(change(result)) : line;
}

function without(result: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(result).filter(([name]) => !names.includes(name)));
}

/** The service never reached its own model. Where lines have no status, they stay as they are. */
function withStatusZero(result: JsonObject): JsonObject {
  const { response } = result;
  return isJsonObject(response) && 'status_code' in response
    ? { ...result, response: { ...response, status_code: 0, body: '' } }
    : result;
}

/** Numbers of tokens, whatever they are called, become one that no sum can hold. */
function withAbsurdUsage(result: JsonObject): JsonObject {
  const members = Object.entries(result).map(([name, value]) => {
    if (typeof value === 'number' && /token/i.test(name)) return [name, Number.MAX_SAFE_INTEGER];
    return [name, isJsonObject(value) ? withAbsurdUsage(value) : value];
  });
  return Object.fromEntries(members);
}
