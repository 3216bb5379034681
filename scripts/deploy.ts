import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { reasonsAgainst } from '../cdk/deploying/guard.ts';
import { Stacks } from '../cdk/deploying/stacks.ts';
import { defaultConfigFile, readConfigFile } from '../cdk/settings.ts';
import type { DeploymentSettings } from '../lib/records/deployment-settings.ts';
import { ConfigurationError, messageOf } from '../lib/records/errors.ts';
import { adviceOnAws } from '../lib/store/aws-advice.ts';
import { inboxListeners } from '../lib/store/inbox-listeners.ts';

// Deploys the stack by `cdk deploy`, to which all options go: npm run deploy -- [-c config=FILE] [--profile NAME] [...].
// It stops before a deploy that would change the running stack's bucket or table, or have two stacks take the same drops,
// and protects the stack from being deleted once it stands.

const root = join(import.meta.dirname, '..');

async function deploy(args: string[]): Promise<number> {
  const { config, profile } = optionsOf(args);
  if (profile !== undefined) process.env.AWS_PROFILE = profile;
  if (process.env.AWS_DEFAULT_REGION) process.env.AWS_REGION ??= process.env.AWS_DEFAULT_REGION;
  const settings = readConfigFile(config).deployment;
  const stacks = new Stacks();
  const reasons = reasonsAgainst(settings, await stacks.find(settings.stackName), await otherListeners(settings));
  if (reasons.length > 0) throw new ConfigurationError(`Nothing was deployed.\n${reasons.join('\n')}`);
  const status = await runCdk(args);
  if (status === 0) await protect(stacks, settings);
  return status;
}

/** The two options of CDK's that decide what is deployed where. */
function optionsOf(args: string[]): { config: string; profile: string | undefined } {
  const options = { context: { type: 'string', short: 'c', multiple: true }, profile: { type: 'string' } } as const;
  const { values } = parseArgs({ args, options, strict: false, allowPositionals: true });
  const named = (values.context ?? []).flatMap((value) => /^config=(.+)$/.exec(String(value))?.[1] ?? []);
  return {
    config: named.at(-1) ?? configOfCdk() ?? defaultConfigFile,
    profile: typeof values.profile === 'string' ? values.profile : undefined,
  };
}

function configOfCdk(): string | undefined {
  const schema = z.object({ context: z.object({ config: z.string().optional() }) });
  return schema.parse(JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'))).context.config;
}

/** A bucket of the stack's own is nobody else's. */
async function otherListeners({ bucketName, stackName }: DeploymentSettings): Promise<string[]> {
  if (bucketName === undefined) return [];
  const listeners = await inboxListeners(bucketName);
  return listeners.filter((name) => name !== stackName);
}

async function runCdk(args: string[]): Promise<number> {
  const cdk = process.env.BATCHDROP_CDK ?? join(root, 'node_modules/aws-cdk/bin/cdk');
  const child = spawn(process.execPath, [cdk, 'deploy', ...args], { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}

/** Only what stands can be protected: `--no-execute` and the like leave nothing behind. */
async function protect(stacks: Stacks, { stackName, removalPolicy }: DeploymentSettings): Promise<void> {
  if (await stacks.find(stackName)) await stacks.setTerminationProtection(stackName, removalPolicy === 'retain');
}

try {
  process.exitCode = await deploy(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${[messageOf(error), adviceOnAws(error)].filter((text) => text !== null).join('\n')}\n`);
  process.exitCode = 1;
}
