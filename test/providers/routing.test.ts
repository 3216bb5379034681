import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/providers/config.ts';
import { Router } from '../../lib/providers/routing.ts';
import { locateDrop, sidecarKey, statusKey } from '../../lib/records/object-keys.ts';
import { deferralSeconds, waitSeconds } from '../../lib/records/schedule.ts';

const config = parseConfig(
  JSON.stringify({
    providers: {
      openai: { kind: 'openai', secret: 'a' },
      anthropic: { kind: 'anthropic', secret: 'b' },
      'team-b': { kind: 'openai', secret: 'c', models: ['llama-*', 'gpt-4.1'] },
      groq: { kind: 'groq', secret: 'd' },
      xai: { kind: 'xai', secret: 'e' },
    },
  }),
  'test',
);

describe('a line goes', () => {
  it.each([
    ['gpt-5-mini', undefined, { provider: 'openai', model: 'gpt-5-mini' }],
    ['o3', undefined, { provider: 'openai', model: 'o3' }],
    ['claude-sonnet-4-5', undefined, { provider: 'anthropic', model: 'claude-sonnet-4-5' }],
    ['llama-3', undefined, { provider: 'team-b', model: 'llama-3' }],
    ['grok-4', undefined, { provider: 'xai', model: 'grok-4' }],
    ['groq/qwen-3', undefined, { provider: 'groq', model: 'qwen-3' }],
    ['qwen-3', undefined, null],
    ['gpt-4.1', undefined, { provider: 'team-b', model: 'gpt-4.1' }],
    ['team-b/gpt-5', undefined, { provider: 'team-b', model: 'gpt-5' }],
    ['team-b/org/model', 'openai', { provider: 'team-b', model: 'org/model' }],
    ['org/model', 'team-b', { provider: 'team-b', model: 'org/model' }],
    ['claude-x', 'team-b', { provider: 'team-b', model: 'claude-x' }],
    ['unheard-of', undefined, null],
    ['constructor/x', undefined, null],
  ])('for model %s and batch provider %s to %j', (model, provider, expected) => {
    const router = new Router(config, provider);
    expect(router.route(model)).toEqual(expected);
    expect(router.route(model)).toEqual(expected);
  });
});

describe('keys', () => {
  it("give a drop to its folder's tenant only where that tenant exists", () => {
    expect(locateDrop('inbox/team/a.jsonl', ['team'])).toEqual({ tenant: 'team', path: 'team/a.jsonl' });
    expect(locateDrop('inbox/other/a.jsonl', ['team'])).toEqual({ tenant: 'default', path: 'other/a.jsonl' });
    expect(locateDrop('inbox/team', ['team'])).toEqual({ tenant: 'default', path: 'team' });
    expect(locateDrop('results/a.jsonl', ['team'])).toBeNull();
  });

  it('follow from the dropped key', () => {
    expect(statusKey('inbox/a b/ü+.jsonl')).toBe('status/a b/ü+.jsonl.json');
    expect(sidecarKey('inbox/a.jsonl')).toBe('inbox/a.jsonl.options.json');
  });
});

describe('the schedule', () => {
  it('looks a tenth of the age later, within its bounds', () => {
    const bounds = { minSeconds: 15, maxSeconds: 600 };
    expect(waitSeconds(0, bounds, 0.5)).toBe(15);
    expect(waitSeconds(1_000, bounds, 0.5)).toBe(100);
    expect(waitSeconds(86_400, bounds, 0.5)).toBe(600);
    expect(waitSeconds(1_000, bounds, 0)).toBe(95);
  });

  it('looks at most 200 times a day', () => {
    let polls = 0;
    for (let age = 0; age < 86_400; polls += 1) age += waitSeconds(age, { minSeconds: 15, maxSeconds: 600 }, 0);
    expect(polls).toBeLessThan(200);
  });

  it('waits longer each time a provider has no place, and as long as it asks', () => {
    expect([0, 1, 2, 20].map((deferrals) => deferralSeconds(deferrals, 15, null))).toEqual([15, 30, 60, 600]);
    expect(deferralSeconds(0, 15, 900)).toBe(900);
    expect(deferralSeconds(0, 15, 365 * 86_400)).toBe(3_600);
  });
});
