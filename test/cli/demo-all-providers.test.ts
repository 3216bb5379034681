import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { demoAccount } from '../../cli/demo/demo-account.ts';
import { providerKinds } from '../../lib/providers/config.ts';
import { commandIn } from './command.ts';

it('demo --all-providers has every kind of provider answer every form of line', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-demo-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));

  const { code, stdout, stderr } = await commandIn(folder, ['demo', '--all-providers', '--json']).ended;

  expect(stderr).toBe('');
  const { passed, providers } = JSON.parse(stdout);
  expect(providers).toEqual(
    providerKinds.map((provider) => {
      const requests = 3 * demoAccount(provider).turns;
      const [warnings, seconds] = [expect.any(Number), expect.any(Number)];
      return { provider, requests, answered: requests, failed: 0, missing: 0, warnings, seconds };
    }),
  );
  expect({ passed, code }).toEqual({ passed: true, code: 0 });
});
