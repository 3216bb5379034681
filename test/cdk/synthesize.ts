import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { BatchdropApp } from '../../cdk/batchdrop-app.ts';
import { root } from '../../cdk/packages.ts';

/** What `cdk.json` says, as the command line hands it to the app. */
const context: Record<string, unknown> = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')).context;

/** Leaves the functions' packages out: a synth in a fifth of the time. */
export const withoutBundles = { 'aws:cdk:bundling-stacks': [] };

/**
 * @param given settings of the deployment, which go into a configuration of its own, and names with a colon or a slash, `config`
 *   among them, as `-c name=value` gives them.
 */
export function newApp(given: Record<string, unknown> = {}, outdir = temporaryFolder()): BatchdropApp {
  const [ofCdk, settings] = [true, false].map((isContext) =>
    Object.fromEntries(
      Object.entries(given).filter(([name]) => (name === 'config' || /[:/]/.test(name)) === isContext),
    ),
  );
  const config = Object.keys(settings ?? {}).length === 0 ? shippedConfig : configWith(settings ?? {});
  return new BatchdropApp({ context: { config, ...context, ...ofCdk }, outdir });
}

const shippedConfig = join(root, 'batchdrop.config.json');

/** The shipped configuration with these settings of the deployment. */
function configWith(deployment: Record<string, unknown>): string {
  const config = JSON.parse(readFileSync(shippedConfig, 'utf8'));
  const file = join(temporaryFolder(), 'batchdrop.config.json');
  writeFileSync(file, JSON.stringify({ ...config, deployment }));
  return file;
}

const templates = new Map<string, Template>();

/** Synthesizes, and so runs cdk-nag: a finding is an error. Each settings once for a file of tests, which only read. */
export function synthesize(settings: Record<string, unknown> = {}): Template {
  const name = JSON.stringify(settings);
  const template = templates.get(name) ?? Template.fromStack(newApp({ ...withoutBundles, ...settings }).stack);
  templates.set(name, template);
  return template;
}

/** @param more of the shipped configuration's members, in place of its own. */
export function synthesizeConfig(more: object): Template {
  const config = join(temporaryFolder(), 'batchdrop.config.json');
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(shippedConfig, 'utf8')), ...more }));
  return synthesize({ config });
}

const temporaryFolders: string[] = [];

afterAll(() => {
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
});

/** Removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-cdk-'));
  temporaryFolders.push(folder);
  return folder;
}
