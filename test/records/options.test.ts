import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/providers/config.ts';
import { ConfigurationError, InvalidInputError } from '../../lib/records/errors.ts';
import { deadlineHours, optionsFromObjectMetadata, parseOptions } from '../../lib/records/options.ts';

describe('options', () => {
  it('have defaults that spend nothing unasked', () => {
    expect(parseOptions({})).toEqual({
      strict: false,
      on_invalid_line: 'fail',
      on_unknown_model: 'fail',
      max_attempts: 3,
      on_lost_result: 'error',
      priority: 'normal',
      dry_run: false,
    });
    expect(deadlineHours(parseOptions({ max_attempts: 2 }))).toBe(48);
    expect(deadlineHours(parseOptions({ deadline_hours: 5 }))).toBe(5);
  });

  it('come from object metadata in its own spelling', () => {
    const read = optionsFromObjectMetadata({
      'max-cost-usd': '50',
      strict: 'true',
      metadata: '{"team":"eval"}',
      's3cmd-attrs': 'uid:0',
      constructor: 'x',
    });
    expect(read).toEqual({
      options: { max_cost_usd: 50, strict: true, metadata: { team: 'eval' } },
      ignored: ['s3cmd-attrs', 'constructor'],
    });
  });

  it.each([
    [{ 'max-cost-usd': 'fifty' }, 'x-amz-meta-max-cost-usd: expected a number, but got "fifty"'],
    [{ strict: 'yes' }, 'x-amz-meta-strict: expected true or false, but got "yes"'],
    [{ metadata: '{' }, 'x-amz-meta-metadata: expected a JSON object of strings, but got "{"'],
  ])('say what is wrong with metadata %j', (metadata, message) => {
    expect(() => optionsFromObjectMetadata(metadata)).toThrow(new InvalidInputError('invalid_option', message));
  });

  it.each([
    [{ max_cost: 5 }, /max_cost/],
    [{ max_attempts: 0 }, /max_attempts/],
    [{ max_cost_usd: 1e300 }, /max_cost_usd/],
    [{ max_cost_usd: 1e-200 }, /max_cost_usd/],
    [{ max_cost_usd: 2 ** 53 }, /max_cost_usd/],
    [{ deadline_hours: 1e-200 }, /deadline_hours/],
    [{ endpoint: '/v1/chat' }, /endpoint/],
    [{ metadata: { title: 'cut \ud83d' } }, /metadata: .*surrogate/],
    [{ metadata: { '\ude00': 'cut' } }, /metadata: .*surrogate/],
    [{ idempotency_key: 'cut-\ud83d' }, /idempotency_key: .*surrogate/],
    [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 'v'])) }, /at most 16 pairs/],
  ])('name what is wrong with %j', (value, message) => {
    expect(() => parseOptions(value)).toThrow(message);
  });
});

describe('the configuration', () => {
  const provider = { kind: 'openai', secret: 'batchdrop/openai' };

  it('takes several accounts of one kind', () => {
    const config = parseConfig(JSON.stringify({ providers: { openai: provider, 'team-b': provider } }), 'c.json');
    expect(Object.keys(config.providers)).toEqual(['openai', 'team-b']);
    expect(config.polling).toEqual({ minSeconds: 15, maxSeconds: 600 });
  });

  it.each([
    ['{', 'c.json is not valid JSON.'],
    ['{}', 'c.json: providers'],
    ['{"providers":{}}', 'name at least one'],
    ['{"providers":{"openai":{"kind":"openai"}}}', 'c.json: providers.openai.secret'],
    ['{"providers":{"openai":{"kind":"opanai","secret":"s"}}}', 'providers.openai.kind'],
    ['{"providers":{"openai":{"kind":"openai","secret":"s","key":"sk-1"}}}', 'key'],
    ['{"providers":{"Open AI":{"kind":"openai","secret":"s"}}}', 'Open AI'],
  ])('says what is missing or unknown in %s', (text, message) => {
    expect(() => parseConfig(text, 'c.json')).toThrow(ConfigurationError);
    expect(() => parseConfig(text, 'c.json')).toThrow(message);
  });
});
