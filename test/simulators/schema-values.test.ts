import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { valueOfSchema } from '../../simulators/schema-values.ts';
import { completionOrder, SeededRandom } from '../../simulators/seeded-random.ts';

const node: z.ZodType = z.lazy(() =>
  z.strictObject({ name: z.string(), children: z.array(node), parent: node.nullable() }),
);

describe('a value made from a schema', () => {
  it.each<[string, z.ZodType]>([
    [
      'an object',
      z.strictObject({ a: z.string().min(3).max(5), b: z.int().min(-3).max(-1), c: z.boolean(), d: z.null() }),
    ],
    [
      'bounds',
      z.strictObject({
        a: z.number().gt(1).lt(3),
        b: z.int().multipleOf(5).min(1),
        c: z.array(z.string()).min(4).max(4),
      }),
    ],
    [
      'choices',
      z.strictObject({
        a: z.enum(['x', 'y']),
        b: z.literal('z'),
        c: z.union([z.string(), z.number()]),
        d: z.string().nullable(),
      }),
    ],
    [
      'formats',
      z.strictObject({ a: z.iso.datetime(), b: z.iso.date(), c: z.email(), d: z.uuid(), e: z.url(), f: z.ipv4() }),
    ],
    ['recursion', node],
  ])('satisfies it: %s', (_, schema) => {
    const jsonSchema = z.toJSONSchema(schema);
    for (let seed = 0; seed < 50; seed++) {
      const value = valueOfSchema(jsonSchema, new SeededRandom(seed), 'the question');
      expect(schema.safeParse(value).error, JSON.stringify(value)).toBeUndefined();
    }
  });
});

it('finishes lines in an order that depends on the seed alone and misses none', () => {
  const order = [...completionOrder('seed', 1000)];
  expect([...completionOrder('seed', 1000)]).toEqual(order);
  expect([...completionOrder('other', 1000)]).not.toEqual(order);
  expect(order.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
});
