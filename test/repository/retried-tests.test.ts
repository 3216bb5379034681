import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wholeStackTests } from '../../vitest.config.ts';

const drawsSeed = /fast-check|\bfc\.|Math\.random|\brandom(Bytes|Int)\b|SeededRandom|seedOfTest/;

/** A test file and what it imports of the tests and benches; the product may draw its pauses and ids. */
function partsOf(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+\.ts)'/g);
  for (const [, target = ''] of imports) {
    const path = join(dirname(file), target);
    if (/^(test|bench)\//.test(path)) partsOf(path, found);
  }
  return found;
}

describe('tests that CI tries again', () => {
  it.each(wholeStackTests)('exist: %s', (pattern) => {
    expect(globSync(pattern)).not.toEqual([]);
  });

  it('draw no seed, so that no counterexample is lost', () => {
    const files = globSync(wholeStackTests).flatMap((file) => [...partsOf(file)]);
    expect(files.length).toBeGreaterThan(wholeStackTests.length);
    expect(files.filter((file) => drawsSeed.test(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('would be found out if they drew one', () => {
    const drawing = ['test/pipeline/crash.test.ts', 'test/stack/soak.test.ts', 'test/stack/kill.test.ts'];
    for (const file of drawing)
      expect(
        [...partsOf(file)].some((part) => drawsSeed.test(readFileSync(part, 'utf8'))),
        file,
      ).toBe(true);
  });
});
