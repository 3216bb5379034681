import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findResultProblems } from '../../cli/demo/result-check.ts';

const lines = (...ids: string[]) => ids.map((id) => JSON.stringify({ custom_id: id }));
const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 });

describe('the check of results', () => {
  it('passes any split of the input that keeps its order', () => {
    fc.assert(
      fc.property(ids, fc.infiniteStream(fc.boolean()), (input, coins) => {
        const isOutput = new Map(input.map((id) => [id, coins.next().value]));
        const output = input.filter((id) => isOutput.get(id));
        const errors = input.filter((id) => !isOutput.get(id));
        expect(findResultProblems(lines(...input), lines(...output), lines(...errors))).toEqual([]);
      }),
    );
  });

  it('names a request that is missing, doubled or foreign', () => {
    fc.assert(
      fc.property(ids, fc.nat(), (input, seed) => {
        const id = input[seed % input.length] ?? '';
        const others = input.filter((other) => other !== id);
        expect(findResultProblems(lines(...input), lines(...others), [])).toEqual([`${id} came back 0 times.`]);
        expect(findResultProblems(lines(...input), lines(...input), lines(id))).toEqual([`${id} came back 2 times.`]);
        expect(findResultProblems(lines(...others), lines(...others), lines(id))).toEqual([
          `${id} came back but was never sent.`,
        ]);
      }),
    );
  });

  it('names a file whose lines are out of order', () => {
    expect(findResultProblems(lines('a', 'b', 'c'), lines('c', 'a'), lines('b'))).toEqual([
      'The lines of the output file are not in the order of the input.',
    ]);
  });
});
