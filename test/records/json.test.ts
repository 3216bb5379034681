import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isObject } from '../../lib/records/json.ts';

it('tells objects from everything else that JSON has, and from numbers that keep their spelling', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const parsed: unknown = JSON.parse(JSON.stringify(value));
      expect(isObject(parsed)).toBe(Object.prototype.toString.call(parsed) === '[object Object]');
    }),
  );
  fc.assert(
    fc.property(fc.integer(), (number) => {
      expect(isObject(JSON.rawJSON(`${number}.0`))).toBe(false);
    }),
  );
});

it.each([
  ['one whose members are named like those of every object', JSON.parse('{"__proto__":null,"constructor":1}')],
  ['one without a prototype', Object.assign(Object.create(null), { rawJSON: '1' })],
])('takes %s for an object', (_which, object) => expect(isObject(object)).toBe(true));
