import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { BatchdropApp } from '../../cdk/batchdrop-app.ts';
import { readPolicies } from './read-policies.ts';

// Synthesizes the stack of each configuration and writes its policies: node write-policies.ts <file>

const [file = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'batchdrop-policies-'));

/** Every secret that an account in the tests has. */
const secrets = ['openai', 'anthropic', 'azure', 'gemini', 'vertex', 'mistral', 'a', 'b', 'key', 'x'];
const accounts = Object.fromEntries(secrets.map((secret) => [secret, { kind: 'openai', secret }]));

const configurations = {
  plain: { providers: accounts },
  bedrock: { providers: { ...accounts, aws: { kind: 'bedrock' } } },
  inputPrefixes: {
    providers: accounts,
    inputPrefixes: ['s3://batchdrop/data/', 's3://batchdrop/own/{tenant}/', 's3://a-bucket-of-theirs/a$b/'],
  },
};

function policiesOf(name: string, config: object): unknown {
  const configFile = join(folder, `${name}.json`);
  // The local account's names.
  writeFileSync(configFile, JSON.stringify({ ...config, deployment: { stackName: 'batchdrop' } }));
  // Without bundles, which take longest.
  const context = { config: configFile, 'aws:cdk:bundling-stacks': [] };
  const { stack } = new BatchdropApp({ context, outdir: join(folder, name) });
  return readPolicies(Template.fromStack(stack).toJSON() as Parameters<typeof readPolicies>[0]);
}

const books = Object.entries(configurations).map(([name, config]) => [name, policiesOf(name, config)]);
writeFileSync(`${file}.part`, JSON.stringify(Object.fromEntries(books)));
renameSync(`${file}.part`, file);
rmSync(folder, { recursive: true, force: true });
