import { describe, expect, it } from 'vitest';
import { assertLinesWithinMaximum, assertWithinMaxima, costLimitOf } from '../../lib/pipeline/maxima.ts';
import { parseConfig } from '../../lib/providers/config.ts';
import { parseOptions } from '../../lib/records/options.ts';

const maxima = { max_cost_usd: 10, deadline_hours: 96, max_attempts: 3, priority: 'normal', bytes: 1_000, lines: 5 };
const config = parseConfig(
  JSON.stringify({ providers: { openai: { kind: 'openai', secret: 's' } }, maxima }),
  'maxima.config.json',
);

describe('the configuration’s maxima', () => {
  it.each([
    ['max_cost_usd', { max_cost_usd: 10.01 }, 1],
    ['deadline_hours', { deadline_hours: 97 }, 1],
    ['max_attempts', { max_attempts: 4, deadline_hours: 24 }, 1],
    ['priority', { priority: 'high' }, 1],
    ['bytes', {}, 1_001],
  ])('refuse a batch that passes %s', (param, options, bytes) => {
    const refused = expect.objectContaining({ code: 'above_maximum', param });
    expect(() => assertWithinMaxima(config, parseOptions(options), bytes)).toThrow(refused);
  });

  it('let pass what is at them, and lines as well', () => {
    const options = { max_cost_usd: 10, deadline_hours: 96, max_attempts: 3, priority: 'normal' };
    expect(() => assertWithinMaxima(config, parseOptions(options), 1_000)).not.toThrow();
    expect(() => assertLinesWithinMaximum(config, 5)).not.toThrow();
    expect(() => assertLinesWithinMaximum(config, 6)).toThrow('lines is 6');
  });

  it('cap the cost of a batch that names no cap', () => {
    expect(costLimitOf(config, {})).toBe(10);
    expect(costLimitOf(config, { max_cost_usd: 2 })).toBe(2);
  });

  it('cap the cost of a batch from before they were lowered', () => {
    expect(costLimitOf(config, { max_cost_usd: 50 })).toBe(10);
  });

  it.each([
    ['max_attempts', { max_attempts: 2 }],
    ['deadline_hours', { deadline_hours: 48 }],
    ['priority', { priority: 'low' }],
  ])('do not refuse every batch that says nothing: %s', (name, lowered) => {
    const text = JSON.stringify({ providers: { openai: { kind: 'openai', secret: 's' } }, maxima: lowered });
    expect(() => parseConfig(text, 'low.config.json')).toThrow(`defaults.${name}: ${name} is `);
  });
});
