import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('docs/glossary.md has at most forty terms, each once, in the order of the alphabet', () => {
  const rows = readFileSync('docs/glossary.md', 'utf8').matchAll(/^\| (\S.*?) +\| \S.*\|$/gm);
  const terms = [...rows].map(([, term = '']) => term).slice(2); // without the heading and the line below it

  expect(terms.length).toBeGreaterThan(20);
  expect(terms.length).toBeLessThanOrEqual(40);
  expect(terms).toEqual([...new Set(terms)].toSorted((one, other) => one.localeCompare(other, 'en')));
});
