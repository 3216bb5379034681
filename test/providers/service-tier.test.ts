import { describe, expect, it } from 'vitest';
import { providerConfigSchema } from '../../lib/providers/config.ts';
import { pricerOf } from '../../lib/providers/estimate/price.ts';
import { providerOf, providers } from '../../lib/providers/registry.ts';
import { tierProblem } from '../../lib/providers/service-tier.ts';
import { usageOf } from '../../lib/records/usage.ts';
import { answered, chatLine, lineId, lineOf } from './support/lines.ts';

describe('service_tier of a line', () => {
  it.each(Object.values(providers))(
    'at $kind goes to batches where it is documented for them, else it is refused',
    (provider) => {
      for (const tier of ['auto', 'default', null, undefined, 7])
        expect(tierProblem(chatLine({ service_tier: tier }), provider)).toBeNull();
      const refusal = {
        code: 'unsupported_parameter',
        param: 'body.service_tier',
        message: expect.stringContaining("'flex'"),
      };
      const isLive = provider.kind === 'live';
      expect(tierProblem(chatLine({ service_tier: 'flex' }), provider)).toEqual(isLive ? null : refusal);
    },
  );

  it("is Anthropic's own in a Message", () => {
    const line = (tier: string) =>
      lineOf(`{"custom_id":"mine","params":{"model":"m","service_tier":"${tier}","max_tokens":1,"messages":[]}}`);
    expect(tierProblem(line('standard_only'), providers.anthropic)).toBeNull();
    expect(tierProblem(line('priority'), providers.anthropic)).toMatchObject({ param: 'params.service_tier' });
  });
});

describe('a single call is priced by the tier that its answer names', () => {
  const usage = usageOf({ input: 1_000_000, cached: 400_000, output: 100_000 });

  function pricerAt(entry: { kind: 'live' | 'azure' | 'groq'; baseUrl?: string }, model: string) {
    const config = providerConfigSchema.parse({
      secret: 's',
      ...(entry.kind === 'live' && { api: 'openai' }),
      ...entry,
    });
    const account = { ...config, createTimeoutSeconds: 1, settleSeconds: 1 };
    return pricerOf({ name: 'a', provider: providerOf(config), config: account }, model);
  }

  it.each([
    [{ kind: 'live', baseUrl: 'https://api.openai.com/v1' }, 'gpt-5-mini', 0.5],
    [{ kind: 'azure', baseUrl: 'https://r.openai.azure.com/openai/v1' }, 'gpt-4o', 0.5],
    [{ kind: 'groq' }, 'llama-3.3-70b-versatile', 1],
  ] as const)('%j %s: flex at %d of the price', (entry, model, factor) => {
    const pricer = pricerAt(entry, model);
    const usual = pricer?.single(usage) ?? 0;
    expect(usual).toBeGreaterThan(0);
    expect(pricer?.single(usage, 'default')).toBe(usual);
    expect(pricer?.single(usage, 'flex')).toBeCloseTo(usual * factor, 10);
    expect(pricer?.single(usage, 'priority')).toBeNull();
  });

  it('which it says', () => {
    const body = { model: 'm', service_tier: 'flex', choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } };
    const line = { custom_id: lineId, response: { status_code: 200, request_id: 'r', body }, error: null };
    const result = providers.openai.translateResult(Buffer.from(JSON.stringify(line)), answered());
    expect(result).toMatchObject({ kind: 'answered', tier: 'flex' });
  });
});
