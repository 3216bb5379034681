import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { BatchdropApp } from '../../cdk/batchdrop-app.ts';
import { readPolicies } from './read-policies.ts';
import type { PolicyBook } from './statement.ts';
import { waitingMachineArn } from './waiting-machine.ts';

/** Every secret that an account in the tests has. */
const secrets = ['openai', 'anthropic', 'azure', 'gemini', 'vertex', 'mistral', 'a', 'b', 'key', 'x'];
const accounts = Object.fromEntries(secrets.map((secret) => [secret, { kind: 'openai', secret }]));

/** The configurations of which there are policies. */
export const configurations = {
  plain: { providers: accounts, taskMachines: [waitingMachineArn] },
  bedrock: { providers: { ...accounts, aws: { kind: 'bedrock', roleArn: 'arn:aws:iam::000000000000:role/bedrock' } } },
  inputPrefixes: {
    providers: accounts,
    inputPrefixes: ['s3://batchdrop/data/', 's3://batchdrop/own/{tenant}/', 's3://a-bucket-of-theirs/a$b/'],
  },
  ownKey: {
    providers: accounts,
    deployment: { bucketName: 'batchdrop', bucketKmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/of-the-bucket' },
  },
};

export type Stack = keyof typeof configurations;

export type PolicyBooks = Record<Stack, PolicyBook>;

/** Synthesizes the stack of each configuration, and reads its policies. */
export function policyBooks(): PolicyBooks {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-policies-'));
  try {
    const { plain, bedrock, inputPrefixes, ownKey } = configurations;
    return {
      plain: policiesOf(folder, 'plain', plain),
      bedrock: policiesOf(folder, 'bedrock', bedrock),
      inputPrefixes: policiesOf(folder, 'inputPrefixes', inputPrefixes),
      ownKey: policiesOf(folder, 'ownKey', ownKey),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With the local account's names. */
export function configurationText(config: { providers: object; deployment?: object }): string {
  return JSON.stringify({ ...config, deployment: { ...config.deployment, stackName: 'batchdrop' } });
}

function policiesOf(folder: string, name: Stack, config: { providers: object }): PolicyBook {
  const configFile = join(folder, `${name}.json`);
  writeFileSync(configFile, configurationText(config));
  // Without bundles, which take longest.
  const context = { config: configFile, 'aws:cdk:bundling-stacks': [] };
  const { stack } = new BatchdropApp({ context, outdir: join(folder, name) });
  return readPolicies(Template.fromStack(stack).toJSON() as Parameters<typeof readPolicies>[0]);
}
