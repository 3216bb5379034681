import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { optionsOf, withLineFlags, withRunFlags, withTableFlags } from '../../cli/batch-flags.ts';
import { requestedOptionsSchema } from '../../lib/records/options.ts';

const options = Object.keys(requestedOptionsSchema.shape);

it('has a flag for every option of a batch', () => {
  const command = withTableFlags(withRunFlags(withLineFlags(new Command())));

  expect(
    command.options.map((option) => option.attributeName().replaceAll(/[A-Z]/g, '_$&').toLowerCase()).sort(),
  ).toEqual(options.toSorted());
});

it('says when the result files go as the API says it', () => {
  const command = withRunFlags(new Command()).parse(['--output-expires-after', '2d'], { from: 'user' });

  expect(optionsOf(command.opts())).toEqual({ output_expires_after: { anchor: 'created_at', seconds: 172_800 } });
});

it('finds every option of a batch in its table', () => {
  const text = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');
  const [table = ''] = text.split('\n# ');

  expect([...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name).sort()).toEqual(options.toSorted());
});
