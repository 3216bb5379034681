import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { synthesize, temporaryFolder } from './synthesize.ts';

/** Python's, not a package of ours: `pip install cfn-lint`. */
const isThere = spawnSync('cfn-lint', ['--version']).status === 0;

// W3005: CDK names a role's policy in DependsOn beside the role, which the reference to it says already.
it.skipIf(!isThere)(
  'cfn-lint, where it is installed, finds nothing in the template but W3005',
  { timeout: 180_000 },
  () => {
    const file = join(temporaryFolder(), 'template.json');
    writeFileSync(file, JSON.stringify(synthesize().toJSON()));
    const { status, stdout } = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', file], { encoding: 'utf8' });
    expect(stdout.trim()).toBe('');
    expect(status).toBe(0);
  },
);
