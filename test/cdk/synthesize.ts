import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { BatchdropApp } from '../../cdk/batchdrop-app.ts';
import { root } from '../../cdk/bundles.ts';

/** What `cdk.json` says, as the command line hands it to the app. */
const context: Record<string, unknown> = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')).context;

/** Leaves the functions' packages out: a synth in a fifth of the time. */
export const withoutBundles = { 'aws:cdk:bundling-stacks': [] };

/** @param settings as `-c name=value` gives them. */
export function newApp(settings: Record<string, unknown> = {}, outdir = temporaryFolder()): BatchdropApp {
  return new BatchdropApp({
    context: { config: join(root, 'batchdrop.config.json'), ...context, ...settings },
    outdir,
  });
}

const templates = new Map<string, Template>();

/** Synthesizes, and so runs cdk-nag: a finding is an error. Each settings once for a file of tests, which only read. */
export function synthesize(settings: Record<string, unknown> = {}): Template {
  const name = JSON.stringify(settings);
  const template = templates.get(name) ?? Template.fromStack(newApp({ ...withoutBundles, ...settings }).stack);
  templates.set(name, template);
  return template;
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
