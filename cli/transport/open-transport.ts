import type { Command } from 'commander';
import { hint } from '../called-as.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import { importing } from '../missing-package.ts';
import type { OutputOptions } from '../output/result.ts';
import { findLocalStack } from './local-stack.ts';
import type { Transport } from './transport.ts';

export interface TransportOptions extends OutputOptions {
  url?: string;
  apiKey?: string;
  bucket?: string;
  tenant?: string;
}

/** The flags that say where to, and how to answer. */
export function withTransportFlags(command: Command): Command {
  return command
    .optionsGroup('Where to (a local stack unless said otherwise):')
    .option('--url <url>', 'a deployment (BATCHDROP_URL)')
    .option('--api-key <key>', "the deployment's key (BATCHDROP_API_KEY, which others cannot see)")
    .option('--bucket <name>', "a deployment's bucket, by AWS credentials (BATCHDROP_BUCKET)")
    .optionsGroup('Output:')
    .option('--json', 'answer as one JSON document');
}

/**
 * Decides where to go: flags, then the environment, then the stack on this machine. A URL says more than a bucket.
 *
 * @throws CommandError where there is none, or no key for it.
 */
export async function openTransport(options: TransportOptions): Promise<Transport> {
  const { BATCHDROP_URL, BATCHDROP_BUCKET } = process.env;
  if (options.url) return openApi(placeOfApi(options.url, options), options.tenant);
  if (options.bucket) return openBucket(options.bucket, options);
  if (BATCHDROP_URL) return openApi(placeOfApi(BATCHDROP_URL, options), options.tenant);
  if (BATCHDROP_BUCKET) return openBucket(BATCHDROP_BUCKET, options);
  return openApi(await placeOfLocal(options), options.tenant);
}

/** Where an API is, and the key for it. */
export interface ApiPlace {
  url: string;
  apiKey: string;
}

/**
 * The API that flags or the environment name, else that of the stack on this machine.
 *
 * @throws CommandError where there is none, or no key for it.
 */
export async function findApi(options: TransportOptions): Promise<ApiPlace> {
  const url = options.url ?? process.env.BATCHDROP_URL;
  return url ? placeOfApi(url, options) : await placeOfLocal(options);
}

async function openApi(place: ApiPlace, tenant: string | undefined): Promise<Transport> {
  const { ApiTransport } = await import('./api/api-transport.ts');
  return new ApiTransport(place.url, place.apiKey, tenant);
}

function placeOfApi(url: string, options: TransportOptions): ApiPlace {
  const apiKey = options.apiKey ?? process.env.BATCHDROP_API_KEY;
  if (apiKey) return { url, apiKey };
  throw new CommandError(
    exitStatus.unreachable,
    `There is no API key for ${url}: set BATCHDROP_API_KEY to one that ${hint('keys', 'create')} made.`,
  );
}

async function openBucket(bucket: string, { tenant }: TransportOptions): Promise<Transport> {
  const packages = ['@aws-sdk/client-s3', '@aws-sdk/s3-request-presigner'];
  const { BucketTransport } = await importing(packages, () => import('./bucket/bucket-transport.ts'));
  return new BucketTransport(bucket, tenant);
}

async function placeOfLocal(options: TransportOptions): Promise<ApiPlace> {
  const stack = await findLocalStack();
  if (!stack)
    throw new CommandError(
      exitStatus.unreachable,
      `No local stack answers: start one with ${hint('start')}, or say where to go with BATCHDROP_URL and BATCHDROP_API_KEY, or BATCHDROP_BUCKET.`,
    );
  const apiKey = options.apiKey ?? stack.apiKey ?? process.env.BATCHDROP_API_KEY;
  if (apiKey) return { url: stack.url, apiKey };
  throw new CommandError(
    exitStatus.unreachable,
    `A stack answers at ${stack.url}, but its key is not in this folder: run the command where the stack was started, or set BATCHDROP_API_KEY.`,
  );
}
