import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequestLine } from '../../lib/lines/request-line.ts';
import type { LineError } from '../../lib/records/openai-batch.ts';
import { runs } from '../seed.ts';

const space = fc.constantFrom('', ' ', '  ', '\t');
const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('a"b', 'a\\', 'é', '"model"'),
);
const json = fc.oneof(
  fc.json(),
  text.map((value) => JSON.stringify(value)),
);
/** A member as it is written, with or without a name that means something. */
const member = (names: readonly string[], value: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.constantFrom(...names), space, space, value)
    .map(([name, before, behind, written]) => `"${name}"${before}:${behind}${written}`);

const bodyMember = fc.oneof(
  member(['model'], fc.oneof(fc.constantFrom('"gpt-5"', '"gpt-\\u0035"', '""', '4'), json)),
  member(
    ['messages', 'stream', 'custom_id', 'body', 'mod\\u0065l'],
    fc.oneof(json, fc.constantFrom('false', 'true', '[]')),
  ),
);
const objectOf = (members: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(members, { maxLength: 4 }), space)
    .map(([written, gap]) => `{${gap}${written.join(`${gap},${gap}`)}${gap}}`);

const usualBody = fc
  .tuple(space, fc.array(bodyMember, { maxLength: 3 }))
  .map(
    ([gap, others]) => `{${gap}"model":${gap}"gpt-5"${others.map((other) => `${gap},${gap}${other}`).join('')}${gap}}`,
  );
const usualMembers = fc
  .tuple(
    fc.oneof(
      json,
      text.map((value) => JSON.stringify(value)),
    ),
    fc.oneof(usualBody, objectOf(bodyMember), json),
  )
  .map(([id, body]) => [`"custom_id": ${id}`, '"method":"POST"', '"url" : "/v1/chat/completions"', `"body":${body}`]);
const line = fc
  .tuple(
    usualMembers,
    fc.array(fc.oneof(member(['custom_id', 'url', 'other', 'body'], json)), { maxLength: 1 }),
    fc.nat(4),
    fc.boolean(),
  )
  .map(([usual, extra, place, isOrdered]) =>
    isOrdered ? usual.toSpliced(place, 0, ...extra) : [...usual.toReversed(), ...extra],
  )
  .chain((members) => fc.tuple(fc.constant(members), space, fc.constantFrom('', ' ', '\u00a0', '}')))
  .map(([members, gap, end]) => `{${members.join(`${gap},${gap}`)}}${end}`);

/** The same line, in which a name is spelled with an escape: it is examined in full. */
function inFull(written: string): string {
  return written.replace('"method"', '"m\\u0065thod"');
}

/** The name that is spelled with an escape is longer, so that what stands behind it stands elsewhere. */
function withoutPlace(error: LineError): LineError {
  return { ...error, message: error.message.replace(/At character \d+/, 'At character N') };
}

function parsed(written: string) {
  const result = parseRequestLine({ lineNumber: 1, bytes: Buffer.from(written) }, '/v1/chat/completions');
  if (!result.ok) return { ...result, errors: result.errors.map(withoutPlace) };
  const { customId, model, body, format, endpoint, spans, bytes } = result.request;
  const at = ({ start, end }: { start: number; end: number }) => bytes.toString('utf8', start, end);
  return { customId, model, body, format, endpoint, spelled: [at(spans.customId), at(spans.model)] };
}

describe('a line that is read in the quick way', () => {
  it('is judged as in the full examination, whatever stands in it', () => {
    fc.assert(
      fc.property(line, (written) => {
        expect(parsed(written)).toEqual(parsed(inFull(written)));
      }),
      { numRuns: runs(5_000) },
    );
  });

  it.each([
    ['a comma before the end', '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m",}}'],
    [
      'two braces too many',
      '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","n":1}}}}',
    ],
    ['a brace too few', '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","n":1}'],
    [
      'a space that JSON does not know',
      '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","n":1}}\u00a0',
    ],
    [
      'a raw control character',
      '{"custom_id":"a\u0001","method":"POST","url":"/v1/chat/completions","body":{"model":"m","n":1}}',
    ],
  ])('is refused for %s', (_what, written) => {
    expect(parsed(written)).toMatchObject({ ok: false, errors: [{ code: 'invalid_json_line' }] });
  });

  it('follows a line of another form, and another model', () => {
    const chat = (id: string, model: string) =>
      `{"custom_id":"${id}","method":"POST","url":"/v1/chat/completions","body":{"model":"${model}","n":1}}`;
    for (const [id, model] of [
      ['a', 'm'],
      ['longer', 'm'],
      ['b', 'another'],
      ['a', 'm'],
      ['', 'm'],
      ['c', 'm2'],
      ['d', 'm3'],
      ['e', 'm4'],
      ['f', 'm5'],
    ] as const)
      expect(parsed(chat(id, model))).toEqual(parsed(inFull(chat(id, model))));
  });
});
