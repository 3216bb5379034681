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
    ['codex-mini-latest', undefined, { provider: 'openai', model: 'codex-mini-latest' }],
    ['o3', undefined, { provider: 'openai', model: 'o3' }],
    ['claude-sonnet-4-5', undefined, { provider: 'anthropic', model: 'claude-sonnet-4-5' }],
    ['llama-3', undefined, { provider: 'team-b', model: 'llama-3' }],
    ['grok-4', undefined, { provider: 'xai', model: 'grok-4' }],
    ['groq/qwen-3', undefined, { provider: 'groq', model: 'qwen-3' }],
    ['gpt-4.1', undefined, { provider: 'team-b', model: 'gpt-4.1' }],
    ['team-b/gpt-5', undefined, { provider: 'team-b', model: 'gpt-5' }],
    ['team-b/gpt-5', 'team-b', { provider: 'team-b', model: 'gpt-5' }],
    ['org/model', 'team-b', { provider: 'team-b', model: 'org/model' }],
    ['claude-x', 'team-b', { provider: 'team-b', model: 'claude-x' }],
    ['groq/openai/gpt-oss-20b', 'groq', { provider: 'groq', model: 'openai/gpt-oss-20b' }],
    ['groq/openai/gpt-oss-20b', undefined, { provider: 'groq', model: 'openai/gpt-oss-20b' }],
  ])('for model %s and batch provider %s to %j', (model, provider, route) => {
    const router = new Router(config, provider);
    expect(router.route(model)).toEqual({ route, note: null });
    expect(router.route(model)).toEqual({ route, note: null });
  });

  it.each([
    ['openai/gpt-oss-20b', undefined, 'openai', 'gpt-oss-20b', null],
    ['openai/gpt-oss-20b', 'groq', 'groq', 'openai/gpt-oss-20b', "'openai' is an account as well"],
    ['team-b/org/model', 'openai', 'openai', 'team-b/org/model', "'team-b' is an account as well"],
    ['anthropic/claude-sonnet-4.5', 'groq', 'groq', 'anthropic/claude-sonnet-4.5', "'anthropic' is an account"],
    ['gpt-4.1', 'openai', 'team-b', 'gpt-4.1', "write 'openai/gpt-4.1'"],
  ])(
    'with a sentence where that may surprise: %s, with provider %s, to %s as %s',
    (name, batch, provider, model, note) => {
      const routing = new Router(config, batch).route(name);
      expect(routing.route).toEqual({ provider, model });
      expect('note' in routing && routing.note).toEqual(note === null ? null : expect.stringContaining(note));
    },
  );
});

describe('patterns of accounts', () => {
  const accounts = {
    openai: { kind: 'openai', models: [] },
    groq: { kind: 'groq', models: ['openai/gpt-oss-*'] },
    together: { kind: 'together', models: ['openai/gpt-oss-120b', 'meta-llama/*'] },
    room: { kind: 'openai-compatible', models: ['*-local'] },
    hall: { kind: 'openai-compatible', models: ['*-local'] },
  } as const;

  it.each([
    ['openai/gpt-oss-20b', undefined, { provider: 'groq', model: 'openai/gpt-oss-20b' }],
    ['openai/gpt-oss-20b', 'together', { provider: 'groq', model: 'openai/gpt-oss-20b' }],
    ['together/openai/gpt-oss-20b', 'together', { provider: 'together', model: 'openai/gpt-oss-20b' }],
    ['openai/gpt-oss-120b', 'groq', { provider: 'groq', model: 'openai/gpt-oss-120b' }],
    ['openai/gpt-oss-120b', 'together', { provider: 'together', model: 'openai/gpt-oss-120b' }],
    ['groq/openai/gpt-oss-120b', undefined, { provider: 'groq', model: 'openai/gpt-oss-120b' }],
    ['meta-llama/x', undefined, { provider: 'together', model: 'meta-llama/x' }],
    ['room/a-local', undefined, { provider: 'room', model: 'a-local' }],
    ['hall/a-local', undefined, { provider: 'hall', model: 'a-local' }],
    ['a-local', 'hall', { provider: 'hall', model: 'a-local' }],
  ])('are held against the whole name first: %s, with provider %s, goes to %j', (model, provider, route) => {
    expect(new Router({ providers: accounts }, provider).route(model).route).toEqual(route);
  });

  it.each([
    ['openai/gpt-oss-120b', undefined, "'groq/openai/gpt-oss-120b' or 'together/openai/gpt-oss-120b'."],
    ['openai/gpt-oss-120b', 'openai', "'together/openai/gpt-oss-120b', without the batch's provider."],
    ['a-local', undefined, "'room/a-local' or 'hall/a-local'."],
  ])('of two other accounts refuse %s, with provider %s, and name both ways', (model, provider, advice) => {
    const router = new Router({ providers: accounts }, provider);
    const message = expect.stringContaining(advice);
    expect(router.route(model)).toEqual({ route: null, problem: { code: 'ambiguous_model', message } });
    const [written = ''] = /(?<=Write it as ')[^']+/.exec(JSON.stringify(router.route(model))) ?? [];
    expect(new Router({ providers: accounts }, undefined).route(written).route).not.toBeNull();
  });
});

it.each([
  ['gemini-2.5-flash', 'add "gemini": {"kind": "gemini", "secret": "gemini"} to'],
  ['gemini/gemini-2.5-flash', 'add "gemini": {"kind": "gemini", "secret": "gemini"} to'],
  ['bedrock/x', 'add "bedrock": {"kind": "bedrock", "region": "..."} to'],
  ['mistral-large-latest', 'add "mistral": {"kind": "mistral", "secret": "mistral"} to'],
  ['unheard-of', "as in 'openai/unheard-of'"],
  ['constructor/x', "as in 'openai/constructor/x'"],
  ['qwen-3', 'configured are openai, anthropic, team-b, groq, and xai.'],
])('says of %s, which nobody has, what to do: %s', (model, advice) => {
  const message = expect.stringContaining(advice);
  expect(new Router(config, undefined).route(model)).toEqual({
    route: null,
    problem: { code: 'model_not_found', message },
  });
});

it('names the account of a kind that a prefix stands for', () => {
  const only = { providers: { ours: { kind: 'openai', models: [] } } } as const;
  expect(new Router(only, undefined).route('openai/x')).toMatchObject({
    problem: { message: expect.stringContaining("write 'ours/x'") },
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
