import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasEscapedName, parseJson } from '../../lib/records/parse-json.ts';
import { lineId, lineOf, openAILine } from '../providers/support/lines.ts';
import { targets } from '../providers/support/translation-targets.ts';

/** What makes V8 take the name of `misread` for a backslash, for as long as the process lives. */
const misleading = '{"h":[],"\\\\":0}';
const misread = '{"h":1,"\\n":2}';

const name = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 2 }),
  fc.constantFrom('a', '\\', '"', '\n', '\\n', '\ud800', '__proto__', '1', 'a\\', 'a\n', ':', 'a:', '":', '\\:'),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.string(), fc.boolean(), fc.constant(null)),
    fc.constantFrom(':', '":', '\\":', ' :x', 'a\n":1'),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie('any')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
  ),
})).any;
/** How a value is written. */
const spelling = fc.record({
  isEscaped: fc.infiniteStream(fc.boolean()).map((stream) => () => stream.next().value === true),
  space: fc.constantFrom('', ' ', '\n', '\t\r\n '),
});

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

interface Spelling {
  isEscaped: () => boolean;
  space: string;
}

function written(part: unknown, how: Spelling): string {
  const { isEscaped, space } = how;
  if (typeof part === 'string') {
    const characters = part.split('').map((one) => (isEscaped() ? escaped(one) : JSON.stringify(one).slice(1, -1)));
    return `"${characters.join('')}"`;
  }
  if (Array.isArray(part)) return `[${part.map((item) => space + written(item, how) + space).join()}]`;
  if (typeof part !== 'object' || part === null) return Object.is(part, -0) ? '-0' : JSON.stringify(part);
  const members = Object.entries(part).map(
    ([key, inner]) => `${space}${written(key, how)}${space}:${space}${written(inner, how)}`,
  );
  return `{${members.join()}${space}}`;
}

/** Tells apart whatever differs, the order of members and the sign of zero included. */
function shown(part: unknown): string {
  return written(part, { isEscaped: () => true, space: '' });
}

describe('parseJson', () => {
  it('reads any value, however it is written', () => {
    fc.assert(
      fc.property(value, spelling, (meant, how) => {
        const text = written(meant, how);
        expect(shown(parseJson(text))).toBe(shown(meant));
      }),
      { examples: [[JSON.parse(misleading), { isEscaped: () => false, space: '' }]] },
    );
  });

  it('reads names that V8 misreads', () => {
    expect(Object.keys(Object(parseJson(misleading)))).toEqual(['h', '\\']);
    expect(Object.keys(Object(parseJson(misread)))).toEqual(['h', '\n']);
  });

  it('is needed as long as V8 misreads them', () => {
    JSON.parse(misleading);
    expect(Object.keys(JSON.parse(misread))).toEqual(['h', '\\']);
  });

  it('finds each name that holds an escape, and takes no other string for one', () => {
    fc.assert(
      fc.property(value, spelling, fc.boolean(), (meant, how, isPlain) => {
        const text = written(meant, isPlain ? { ...how, isEscaped: () => false } : how);
        const strings = [...text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/gs)];
        const isThere = strings.some(([, string = '', colon]) => colon !== undefined && string.includes('\\'));
        expect(hasEscapedName(text)).toBe(isThere);
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const broken = fc
      .tuple(value, spelling, fc.nat(), fc.constantFrom('', '"', '\\', ',', ':', '{', ']', 'x', '\u0000', '\ufeff'))
      .map(([meant, how, place, put]) => {
        const text = written(meant, how);
        const at = place % (text.length + 1);
        return text.slice(0, at) + put + text.slice(at + 1);
      });
    fc.assert(
      fc.property(broken, (text) => {
        expect(isRefusedBy(parseJson, text)).toBe(isRefusedBy(JSON.parse, text));
      }),
    );
  });

  it('takes of a doubled name the last value, at the first place', () => {
    expect(JSON.stringify(parseJson('{"\\u0061":1,"b":2,"a":3}'))).toBe('{"a":3,"b":2}');
  });

  it('reads what is nested deeply', () => {
    const text = `{"\\n":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(Object.keys(Object(parseJson(text)))).toEqual(['\n']);
  });

  it('looks for names in time that grows with the text', () => {
    const text = JSON.stringify({ a: '\\"\n'.repeat(1_000_000) });
    const start = performance.now();
    parseJson(text);
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

function isRefusedBy(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return false;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}

describe('a request with names that V8 misreads', () => {
  const text = (model: string, properties: string) =>
    openAILine('mine', {
      model,
      messages: [{ role: 'user', content: 'Hello' }],
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: '@' } } }],
    }).replace('"@"', () => properties);

  it.each(targets.filter(({ lacks }) => !lacks.includes('tools')))(
    'goes out with these names as $name',
    ({ provider, model }) => {
      for (const properties of [misleading, misread]) {
        const translated = provider.translateRequest(lineOf(text(model, properties)), { lineId, model });
        expect(translated.ok && translated.bytes.toString()).toContain(properties);
      }
    },
  );
});
