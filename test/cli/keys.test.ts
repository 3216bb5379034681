import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { commandIn } from './command.ts';

it.each([
  ['a region', {}, 'export AWS_REGION='],
  ['credentials', { AWS_REGION: 'us-east-1' }, 'aws sts get-caller-identity'],
])('keys of a deployment: where %s are missing, it says what to do', async (_what, env, advice) => {
  const { ended } = commandIn(tmpdir(), ['keys', 'create', '--name', 'first', '--table', 'ours'], { env });
  const { code, stdout, stderr } = await ended;
  expect(stderr).toMatch(/^batchdrop: The table ours does not answer: /);
  expect(stderr).toContain(advice);
  expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
});
