import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseConfig } from '../../lib/providers/config.ts';
import { pricerOf } from '../../lib/providers/estimate/price.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import { usageOf } from '../../lib/records/usage.ts';

const text = JSON.stringify({
  providers: {
    openai: { kind: 'openai', secret: 's' },
    anthropic: { kind: 'anthropic', secret: 's', prices: { own: { input: 3, output: 7, batchDiscount: 0.3 } } },
  },
});
const { providers } = parseConfig(text, 'price.config.json');

it.each([
  ['openai', 'gpt-5-mini'],
  ['anthropic', 'claude-sonnet-4-5'], // a long prompt has another price
  ['anthropic', 'own'],
])('%s/%s: input and output alone cost what they cost beside other kinds at the same price', (name, model) => {
  const config = providers[name];
  if (!config) throw new Error(`There is no account ${name}.`);
  const pricer = pricerOf({ name, config, provider: providerOf(config) }, model);
  if (!pricer) throw new Error(`${model} has no price.`);
  const tokens = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(tokens, tokens, tokens, (input, output, reasoning) => {
      const plain = usageOf({ input: input + 1, output: output + 1, reasoning });
      // None of these models has a price for sound.
      const whole = usageOf({ input: input + 1, inputAudio: 1, output: output + 1, outputAudio: 1, reasoning });
      expect(pricer.batch(plain) / pricer.batch(whole)).toBeCloseTo(1, 10);
      expect((pricer.single(plain) ?? 0) / (pricer.single(whole) ?? 0)).toBeCloseTo(1, 10);
    }),
  );
});
