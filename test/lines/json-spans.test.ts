import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membersOf, piecesOf, splice, startOfMember } from '../../lib/lines/json-spans.ts';

const spaced = fc.constantFrom('', ' ', '\n\t ');

/** JSON texts of objects with whitespace anywhere and keys escaped or not. */
const objectText = fc
  .tuple(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.jsonValue(), spaced, fc.boolean())), spaced)
  .map(([members, space]) => {
    const texts = members.map(([key, value, gap, escaped]) => {
      const plain = JSON.stringify(key);
      const written =
        escaped && /^[a-z]/.test(key) ? `"\\u00${key.charCodeAt(0).toString(16)}${plain.slice(2)}` : plain;
      return `${gap}${written}${gap}:${gap}${JSON.stringify(value, null, gap.length)}${gap}`;
    });
    return { text: `${space}{${texts.join(',')}}`, members };
  });

describe('membersOf', () => {
  it('finds each member where JSON.parse finds it, doubled keys included', () => {
    fc.assert(
      fc.property(objectText, ({ text, members }) => {
        const bytes = Buffer.from(text);
        const found = membersOf(bytes);
        expect(found.map(({ key }) => key)).toEqual(members.map(([key]) => Buffer.from(key).toString()));
        found.forEach(({ start, end }, place) => {
          expect(JSON.parse(bytes.toString('utf8', start, end))).toEqual(
            JSON.parse(JSON.stringify(members[place]?.[1])),
          );
        });
      }),
    );
  });

  it('finds nothing in what is no object', () => {
    for (const text of ['[1]', '"a"', '1', 'null', '{}']) expect(membersOf(Buffer.from(text))).toEqual([]);
  });
});

describe('startOfMember', () => {
  it('finds the first member of a name where membersOf finds it', () => {
    fc.assert(
      fc.property(objectText, fc.nat(), fc.string(), ({ text }, pick, other) => {
        const bytes = Buffer.from(text);
        const members = membersOf(bytes);
        const name = members[pick % Math.max(1, members.length)]?.key ?? other;
        for (const key of [name, other])
          expect(startOfMember(bytes, key)).toBe(members.find((member) => member.key === key)?.start ?? null);
      }),
    );
  });
});

describe('piecesOf', () => {
  it('gives each value in its own bytes and each name as JSON.stringify writes it, whatever is left out', () => {
    const flags = fc.infiniteStream(fc.boolean());
    fc.assert(
      fc.property(objectText, flags, fc.boolean(), ({ text }, keeps, isCompact) => {
        const bytes = Buffer.from(isCompact ? compact(text) : text);
        const kept = membersOf(bytes).filter(() => keeps.next().value);
        const expected = kept.map(
          ({ key, start, end }) => `${JSON.stringify(key)}:${bytes.toString('utf8', start, end)}`,
        );
        expect(Buffer.concat(piecesOf(bytes, kept)).toString()).toBe(expected.join(','));
      }),
    );
  });

  it('takes neighbours as one piece', () => {
    const line = Buffer.from('{"model":"m","a":1,"b":"x,y","c":[2]}');
    expect(piecesOf(line, membersOf(line).slice(1)).map(String)).toEqual(['"a":1,"b":"x,y","c":[2]']);
  });
});

/** Without spaces between members, each value in its own bytes. */
function compact(text: string): string {
  const bytes = Buffer.from(text);
  const members = membersOf(bytes).map(
    ({ key, start, end }) => `${JSON.stringify(key)}:${bytes.toString('utf8', start, end)}`,
  );
  return `{${members.join(',')}}`;
}

describe('splice', () => {
  it('changes nothing but the spans', () => {
    const line = Buffer.from('{"a": 1.0, "custom_id": "é", "n": 12345678901234567890, "z": "é"}');
    const id = membersOf(line).find(({ key }) => key === 'custom_id');
    const spliced = splice(line, [{ span: id ?? { start: 0, end: 0 }, value: '"short"' }]);
    expect(spliced.toString()).toBe('{"a": 1.0, "custom_id": "short", "n": 12345678901234567890, "z": "é"}');
  });
});
