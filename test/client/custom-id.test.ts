import fc from 'fast-check';
import { expect, it } from 'vitest';
import { customIdOf, sendableId } from '../../lib/client/provider/custom-id.ts';
import { providers } from '../../lib/providers/registry.ts';

const { customIds } = providers.anthropic.direct;

it('brings every custom_id back that could be sent, and never sends one that is not allowed', () => {
  const anyId = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.stringMatching(/^[a-zA-Z0-9_-]{0,70}$/),
    fc.stringMatching(/^bd64_[\w-]*$/),
  );
  fc.assert(
    fc.property(anyId, (customId) => {
      const sent = sendableId(customId, customIds);
      if (sent === null) return Buffer.byteLength(customId) > 44 || customId === '';
      return customIds?.test(sent) && customIdOf(sent, customIds) === customId;
    }),
  );
});

it('never sends two ids as one', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }), (left, right) => {
      const [one, other] = [sendableId(left, customIds), sendableId(right, customIds)];
      return left === right || one === null || one !== other;
    }),
  );
});

it('sends what is allowed as it is', () => {
  expect(sendableId('row-1_A', customIds)).toBe('row-1_A');
  expect(sendableId('anything ✓', null)).toBe('anything ✓');
  expect(sendableId('row 1', customIds)).toBe('bd64_cm93IDE');
  expect(customIdOf('bd64_not base64', customIds)).toBe('bd64_not base64');
});
