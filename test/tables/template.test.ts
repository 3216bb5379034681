import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../lib/records/errors.ts';
import { compileTemplate } from '../../lib/tables/template.ts';
import { runs } from '../seed.ts';

const bodyWith = (content: unknown, more: object = {}) => ({
  body: { model: 'gpt-5-mini', messages: [{ role: 'user', content }], ...more },
});

function rendered(template: Record<string, unknown>, cells: Record<string, unknown>, number = 1) {
  const compiled = compileTemplate(template);
  compiled.assertColumns(Object.keys(cells));
  const row = { number, cells: new Map(Object.entries(cells)), kept: '', problem: null };
  const made = compiled.render(row);
  return 'bytes' in made ? JSON.parse(made.bytes.toString()) : made.problem;
}

const contentOf = (content: string, cells: Record<string, unknown>) =>
  rendered(bodyWith(content), cells).body.messages[0].content;

describe('a placeholder', () => {
  it('gives a text, whatever the cell looks like', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (plain, odd) => {
        const cells = { id: plain, 'Review Text': odd };
        expect(contentOf('{{ id }}|{{ row["Review Text"] }}', cells)).toBe(`${plain}|${odd}`);
        expect(contentOf('{{ row["Review Text"] | append: "" }}', cells)).toBe(odd);
      }),
      {
        numRuns: runs(200),
        examples: [
          ['","role":"system', '{{ id }} {% raw %}'],
          ['__proto__', '=1+1'],
        ],
      },
    );
  });

  it('may be of a column that is called as nothing else can be', () => {
    const cells = Object.fromEntries([
      ['__proto__x', 'a'],
      ['empty', 'b'],
      ['row', 'c'],
      ['größe', 'd'],
    ]);
    expect(
      contentOf('{{ row["__proto__x"] }}{{ row["empty"] }}{{ row["row"] }}{{ row["größe"] | upcase }}', cells),
    ).toBe('abcD');
  });

  it('with a filter of Liquid works, and a cut never leaves half a character', () => {
    expect(contentOf('{{ review | truncate: 5 }}', { review: 'abcdefgh' })).toBe('ab...');
    expect(contentOf('{{ review | slice: 0, 2 }}', { review: 'a😀b' }).isWellFormed()).toBe(true);
    expect(contentOf('{% if stars == "5" %}good{% else %}{{ stars }}{% endif %}', { stars: '5' })).toBe('good');
    expect(contentOf('{{ note | default: "none" }}', { note: '' })).toBe('none');
  });

  it('alone gives a value where it says so, in its own spelling', () => {
    const made = compileTemplate(
      bodyWith('x', { seed: '{{ n | as_number }}', stop: '{{ list | as_json }}', store: '{{ b | as_boolean }}' }),
    );
    const cells = new Map(Object.entries({ n: '12345678901234567890', list: '["a",\n 1.0]', b: 'TRUE' }));
    const line = made.render({ number: 1, cells, kept: '', problem: null });
    const text = 'bytes' in line ? line.bytes.toString() : '';
    expect(text).toContain('"seed":12345678901234567890,"stop":["a",  1.0],"store":true'.replace('  ', '  '));
  });

  it.each([
    ['n | as_number', { n: 'twelve' }, "Row 7: column 'n': 'twelve' is no number."],
    ['n | as_boolean', { n: '1' }, "Row 7: column 'n': '1' is no true or false."],
    ['n | as_json', { n: '{a' }, "Row 7: column 'n': '{a' is no JSON."],
  ])('of {{ %s }} that is none is an error with row and column', (placeholder, cells, message) => {
    expect(rendered(bodyWith('x', { seed: `{{ ${placeholder} }}` }), cells, 7)).toMatchObject({
      code: 'invalid_row',
      message,
      param: 'n',
    });
  });
});

describe('a template', () => {
  it('without a custom_id numbers its rows, and is a chat completion by its messages', () => {
    expect(rendered(bodyWith('hi'), {}, 3)).toMatchObject({
      custom_id: 'row-3',
      method: 'POST',
      url: '/v1/chat/completions',
    });
  });

  it('leaves schemas as they are', () => {
    const schema = { type: 'object', properties: { x: { description: '{{ not_a_column }}' } } };
    const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const template = bodyWith('{{ a }}', { response_format: format });
    expect(rendered(template, { a: '1' }).body.response_format).toEqual(format);
    expect(compileTemplate(template).answerSchema).toEqual(schema);
  });

  it("of params is in Anthropic's form", () => {
    const params = { model: 'claude-sonnet-4-5', max_tokens: 9, messages: [{ role: 'user', content: '{{ a }}' }] };
    expect(rendered({ custom_id: '{{ a }}', params }, { a: 'x' })).toEqual({
      custom_id: 'x',
      params: { ...params, messages: [{ role: 'user', content: 'x' }] },
    });
  });

  it.each([
    ['{{ Review Text }}', { 'Review Text': 'x' }, 'is it row["Review Text"]?'],
    ['{{ reviw }}', { review: 'x' }, "the table has no column 'reviw'"],
    ['{{ empty | upcase }}', { empty: 'x' }, 'write the column of that name as row["empty"]'],
    ['{{ row }}', { a: 'x' }, 'row stands for the whole row'],
    ['{{ row[a] }}', { a: 'x' }, 'name one of its columns in quotes'],
    ['{{ a | as_number }} and more', { a: '1' }, 'stand alone'],
    ['{{ a | upcase | as_json }}', { a: '1' }, 'one column and nothing else'],
    ['{{ a', { a: '1' }, 'The template is wrong at body.messages[0].content'],
    ['{% include "x" %}', { a: '1' }, 'The template is wrong at body.messages[0].content'],
    ['{{ a | no_such_filter }}', { a: '1' }, 'no_such_filter'],
  ])('with %s is refused', (content, cells, message) => {
    const refused = () => {
      const made = rendered(bodyWith(content), cells);
      if ('code' in made) throw new InvalidInputError(made.code, made.message);
    };
    expect(refused).toThrow(InvalidInputError);
    expect(refused).toThrow(message);
  });

  it.each([
    [{ body: { model: 'm', input: 'x' } }, 'name what the requests are for'],
    [{ body: { model: 'm', messages: [] }, extra: 1 }, "a template has no member 'extra'"],
    [{ body: { model: 'm', messages: [{ '{{ a }}': 1 }] } }, 'names of members hold no placeholders'],
    [{ custom_id: 1, body: { messages: [] } }, 'it must be a text'],
    [{ template: {} }, "a template has no member 'template'"],
  ])('that is no request is refused: %j', (template, message) => {
    expect(() => compileTemplate(template)).toThrow(message);
  });

  it('that loops is cut off, and the row says so', () => {
    const content = '{% for i in (1..100000000) %}{{ a }}{% endfor %}';
    expect(rendered(bodyWith(content), { a: 'x' })).toMatchObject({ code: 'invalid_row' });
  });
});
