import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RequestSplitter } from '../../simulators/anthropic/request-splitter.ts';
import { runs } from '../seed.ts';

function split(bytes: Buffer, chunkBytes: number) {
  const splitter = new RequestSplitter();
  const elements: string[] = [];
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    elements.push(...splitter.push(bytes.subarray(start, start + chunkBytes)));
  }
  return { elements, skeleton: splitter.finish() };
}

it('finds every element, whatever it holds, however it is written and wherever the chunks end', () => {
  const others = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 });
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue()),
      others,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0, 2),
      (requests, rest, chunkBytes, indent) => {
        const body = { ...rest, requests, last: 1 };
        const { elements, skeleton } = split(Buffer.from(JSON.stringify(body, null, indent)), chunkBytes);
        expect(elements.map((element) => JSON.parse(element))).toEqual(JSON.parse(JSON.stringify(requests)));
        expect(JSON.parse(skeleton)).toEqual(JSON.parse(JSON.stringify({ ...body, requests: [] })));
      },
    ),
    { numRuns: runs(300) },
  );
});

it.each(['{"requests":[1,,2]}', '{"requests":[1,]}', '{"requests":[,1]}', '{"requests":[1', '{"requests":[1]'])(
  'leaves %s as no JSON',
  (text) => {
    const { skeleton } = split(Buffer.from(text), 4);
    expect(() => JSON.parse(skeleton)).toThrow();
  },
);
