import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optionMeantBy } from '../../lib/records/option-names.ts';
import { optionNames } from '../../lib/records/options.ts';
import { runs } from '../seed.ts';

const meant = (name: string) => optionMeantBy(name, optionNames);

/** The ways in which people write the same words. */
const spellings: Record<string, (option: string) => string> = {
  kebab: (option) => option.replaceAll('_', '-'),
  camel: (option) => option.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase()),
  shouting: (option) => option.toUpperCase(),
  'in one word': (option) => option.replaceAll('_', ''),
  prefixed: (option) => `batchdrop-${option}`,
};

describe('a name is known for the option that was meant', () => {
  it.each(Object.keys(spellings))('in %s', (spelling) => {
    for (const option of optionNames) expect(meant(spellings[spelling]?.(option) ?? '')).toBe(option);
  });

  it('with a letter that is wrong, left out, doubled or swapped', () => {
    const slip = fc.constantFrom<(text: string, at: number) => string>(
      (text, at) => text.slice(0, at) + text.slice(at + 1),
      (text, at) => text.slice(0, at) + (text[at] ?? '') + text.slice(at),
      (text, at) => `${text.slice(0, at)}q${text.slice(at + 1)}`,
      (text, at) => text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2),
    );
    fc.assert(
      fc.property(fc.constantFrom(...optionNames), slip, fc.nat(), (option, change, place) => {
        expect(meant(change(option, place % option.length))).toBe(option);
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['dryrun', 'dry_run'],
    ['dry', 'dry_run'],
    ['max-cost', 'max_cost_usd'],
    ['maxcostusd', 'max_cost_usd'],
    ['cost_limit_usd', 'max_cost_usd'],
    ['budget', 'max_cost_usd'],
    ['usd-limit', 'max_cost_usd'],
    ['max-retries', 'max_attempts'],
    ['deadline', 'deadline_hours'],
    ['idempotency', 'idempotency_key'],
  ])('%s', (name, option) => {
    expect(meant(name)).toBe(option);
  });
});

/** As tools store them, and as people label their work. */
const foreign = [
  ...['mtime', 's3cmd-attrs', 'goog-reserved-file-mtime', 'md5chksum', 'sha256', 'atime', 'uid', 'gid', 'mode'],
  ...['cost-center', 'cost-centre', 'budget-code', 'project', 'owner', 'department', 'environment', 'run-id', 'team'],
  ...['data-provider', 'endpoint-url', 'priority-class', 'retention', 'model', 'prompt-version', 'max-tokens'],
  ...['temperature', 'source', 'original-filename', 'customer', 'constructor', '__proto__', 'price', 'expires', ''],
  ...['service_tier', 'user', 'safety_identifier', 'extra_headers', 'timeout'],
];

it.each(foreign)("%j is somebody else's name", (name) => {
  expect(meant(name)).toBeNull();
});
