import { globSync, readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'oxc-parser';
import { check } from 'recheck';
import { describe, expect, it } from 'vitest';

interface Found {
  place: string;
  pattern: string;
  flags: string;
}

/** Every regular expression of a file, read as the language reads it. */
function expressionsIn(file: string): Found[] {
  const found: Found[] = [];
  const visitor = new Visitor({
    Literal: (node) => {
      if ('regex' in node) found.push({ place: file, ...node.regex });
    },
  });
  visitor.visit(parseSync(file, readFileSync(file, 'utf8')).program);
  return found;
}

/** More repeats than these count as any number of them: each costs as much again. */
const fewRepeats = 200;

/**
 * An expression that grows as this one does, and that the checker is done with in a moment: without what it looks ahead to,
 * which only leaves out ways to match, and with small numbers of repeats made smaller, which are constant factors.
 */
function simplified(pattern: string): string {
  return pattern
    .replaceAll(/\(\?[=!][^()]*\)/g, '')
    .replaceAll(/\{(\d+)(?:,(\d*))?\}/g, (_, least: string, most = least) =>
      most === '' || Number(most) > fewRepeats ? '+' : '{1,2}',
    );
}

async function complexityOf({ pattern, flags }: Pick<Found, 'pattern' | 'flags'>): Promise<string> {
  const found = await check(simplified(pattern), flags, { checker: 'automaton', timeout: null });
  return found.status === 'unknown' ? `unknown: ${JSON.stringify(found.error)}` : found.complexity.type;
}

const folders = ['lib', 'lambdas', 'console'];
const expressions = folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`)).flatMap(expressionsIn);

/** Text from outside can be as long as it likes: a prompt has megabytes, a provider's answer too. */
describe('regular expressions', () => {
  it('are found', () => {
    expect(expressions.length).toBeGreaterThan(100);
  });

  it('take no more time than their text is long', async () => {
    const slow: string[] = [];
    for (const found of expressions) {
      const complexity = await complexityOf(found);
      if (complexity !== 'safe' && complexity !== 'linear')
        slow.push(`${found.place}: /${found.pattern}/${found.flags} is ${complexity}`);
    }
    expect(slow).toEqual([]);
  }, 300_000);

  it.each([String.raw`\/+$`, '^(a|a)*$', String.raw`"(?:[^"\\]|\\.)*"`, '.*-large-.*-v.*$'])(
    'are seen through where they take longer: %s',
    async (pattern) => {
      expect(['polynomial', 'exponential']).toContain(await complexityOf({ pattern, flags: 'g' }));
    },
  );

  it('are written as such, so that they are found', () => {
    const constructed = folders
      .flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`))
      .filter((file) => /\bRegExp\(/.test(readFileSync(file, 'utf8')));
    expect(constructed).toEqual([]);
  });
});
