import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usageOf } from '../../lib/records/usage.ts';
import { runs } from '../seed.ts';
import { answer, answerable, heardIn, heardOf, resultText } from './support/answer.ts';
import { answered, lineId } from './support/lines.ts';
import { requestForms, targets } from './support/translation-targets.ts';

describe.each(targets)('an answer of $name', ({ provider, model }) => {
  // What a provider answers in a form that it has itself goes through as it is; its own tests see to that.
  const forms = requestForms.filter(({ endpoint, name }) =>
    name === 'a Response' ? !provider.passesThrough({ format: 'openai', endpoint }) : true,
  );

  it.each(forms)('says the same to a customer who asked in the form of $name, to the digit', ({ endpoint, format }) => {
    fc.assert(
      fc.property(
        answer.map((given) => answerable(given, model)),
        (given) => {
          const bytes = Buffer.from(resultText(provider.kind, lineId, given, model));
          const result = provider.translateResult(bytes, answered({ endpoint, format, model }));
          if (result.kind !== 'answered') throw new Error(JSON.stringify(result));
          const { input, cached, output } = given.tokens;
          expect(result.usage ?? usageOf({ input: 0, output: 0 })).toEqual(usageOf({ input, cached, output }));
          expect(heardIn(result.bytes.toString())).toEqual(heardOf(given));
        },
      ),
      { numRuns: runs(25) },
    );
  });
});
