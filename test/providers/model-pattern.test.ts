import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits } from '../../lib/providers/shared/model-pattern.ts';
import { runs } from '../seed.ts';

describe('a pattern for models', () => {
  it.each([
    ['gpt-5', 'gpt-5', true],
    ['gpt-5-mini', 'gpt-5', false],
    ['gpt-5-mini', 'gpt-*', true],
    ['my-large-eu-v2', '*-large-*-v*', true],
    ['my-large-v2', '*-large-*-v*', false],
    ['aba', 'ab*ba', false],
    ['a\nb', 'a*b', true],
    ['xaxbx', '*a*b*', true],
    ['gptx5', 'gpt.5', false],
  ])('%j and %j: %s', (model, pattern, isFitting) => {
    expect(fits(model, pattern)).toBe(isFitting);
  });

  it('fits as an expression with a star for any characters does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (model, stars) => {
        expect(fits(model, stars)).toBe(new RegExp(`^${stars.replaceAll('*', '.*')}$`).test(model));
      }),
      { numRuns: runs(2_000) },
    );
  });

  it('takes time that grows with the name alone', () => {
    const name = '-large--v'.repeat(200_000);
    const beganAt = performance.now();
    expect(fits(`${name}!`, '*-large-*-v*-large-*?')).toBe(false);
    expect(performance.now() - beganAt).toBeLessThan(30_000);
  });
});
