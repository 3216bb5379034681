import type { BatchRecord } from './batch-record.ts';
import { type LineTraits, lineMatches } from './fault-plan.ts';
import type { FaultOfKind } from './faults.ts';

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
  }
}
