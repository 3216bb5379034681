import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject, Vitest } from 'vitest/node';
import { sourcesHash } from '../sources-hash.ts';
import type { PolicyFiles } from './permissions.ts';
import { unusedGrants } from './unused-grants.ts';

const root = join(import.meta.dirname, '../..');

/** All that the policies are made from. */
const sources = ['cdk.json', 'package-lock.json', '{cdk,lib/records,lib/providers,test/policies}/**/*.ts'];

interface Begun {
  files: PolicyFiles;
  vitest: Vitest;
}

let begun: Promise<Begun> | null = null;

/**
 * Has the stack synthesized, once for each state of its sources, and fails a full run whose tests have not used all that its policies
 * grant.
 */
export async function setup(project: TestProject): Promise<void> {
  begun ??= begin(project.vitest);
  project.provide('policyFiles', (await begun).files);
}

async function begin(vitest: Vitest): Promise<Begun> {
  const cache = join(root, 'node_modules/.cache/batchdrop');
  mkdirSync(cache, { recursive: true });
  const used = join(mkdtempSync(join(tmpdir(), 'batchdrop-used-')), 'used.jsonl');
  writeFileSync(used, '');
  const policies = join(cache, `policies-${sourcesHash(sources)}.json`);
  const script = join(import.meta.dirname, 'write-policies.ts');
  if (!existsSync(policies)) await promisify(execFile)(process.execPath, [script, policies], { cwd: root });
  return { files: { policies, used }, vitest };
}

export async function teardown(): Promise<void> {
  if (!begun) return;
  const { files, vitest } = await begun;
  begun = null;
  const texts = [readFileSync(files.policies, 'utf8'), readFileSync(files.used, 'utf8')] as const;
  rmSync(join(files.used, '..'), { recursive: true });
  const findings = (await isFullRun(vitest)) ? unusedGrants(...texts) : [];
  if (findings.length === 0) return;
  console.error(`The policies grant what no test has used:\n${findings.join('\n')}`);
  process.exitCode = 1;
}

/** Whether every test of every file has passed; what a part of them uses says nothing. */
async function isFullRun(vitest: Vitest): Promise<boolean> {
  const modules = vitest.state.getTestModules();
  const all = await vitest.globTestSpecifications();
  return modules.length >= all.length && !vitest.config.testNamePattern && modules.every((module) => module.ok());
}
