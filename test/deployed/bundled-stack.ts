import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchdropApp } from '../../cdk/batchdrop-app.ts';
import { root } from '../../cdk/packages.ts';
import { DataFolderInUseError, takeDataFolder } from '../../local/data-folder.ts';
import type { Template } from '../policies/read-policies.ts';
import { sourcesHash } from '../sources-hash.ts';

export interface BundledStack {
  /** As `cdk synth` leaves it: the template and the assets. */
  folder: string;
  template: Template;
}

const sources = [
  '{cdk,console,lambdas,lib}/**/*.{ts,tsx,css,json}',
  'cdk.json',
  'package-lock.json',
  'test/deployed/bundled-stack*',
];
const cache = join(root, 'node_modules/.cache/batchdrop');
const prefix = 'cdk.out-';

/** The stack with its functions' packages, synthesized once for each state of the sources, whoever asks. */
export async function bundledStack(): Promise<BundledStack> {
  const folder = join(cache, `${prefix}${sourcesHash(sources)}`);
  while (!existsSync(folder)) await synthesizeInto(folder);
  const template: Template = JSON.parse(readFileSync(join(folder, 'batchdrop.template.json'), 'utf8'));
  for (const resource of Object.values(template.Resources)) resource.Properties ??= {};
  return { folder, template };
}

/** Another worker may be at it; then this one looks again. */
async function synthesizeInto(folder: string): Promise<void> {
  let release: () => void;
  try {
    release = takeDataFolder(join(cache, 'synth'));
  } catch (error) {
    if (!(error instanceof DataFolderInUseError)) throw error;
    await sleep(200);
    return;
  }
  try {
    if (existsSync(folder)) return;
    for (const name of readdirSync(cache))
      if (name.startsWith(prefix)) rmSync(join(cache, name), { recursive: true, force: true });
    const outdir = `${folder}.part`;
    const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
    const config = join(import.meta.dirname, 'bundled-stack.config.json');
    new BatchdropApp({ context: { ...context, config }, outdir }).synth();
    renameSync(outdir, folder);
  } finally {
    release();
  }
}
