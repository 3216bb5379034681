import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { AwsCall } from '../../bench/soak/aws-call.ts';
import { EndpointProxy } from '../../bench/soak/endpoint-proxy.ts';
import { Tally } from '../../bench/soak/tally.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { setEnvironment } from '../../local/environment.ts';
import { loadFunction } from '../../local/local-functions.ts';
import { type LocalStack, startLocalStack } from '../../local/runtime.ts';
import { as, signAllByCaller } from '../policies/caller.ts';
import { permissionsOf } from '../policies/permissions.ts';
import { writeUnitsOf } from './write-units.ts';

/** A local stack in this process, under the synthesized stack's policies, whose every request to AWS and call of a function is counted. */
export interface CountedStack {
  stack: LocalStack;
  /** `dynamodb GetItem`, `s3 PutObject`, ... */
  requests: Tally;
  /** A sweep counts at its beginning and at its end. */
  calls: Tally;
  /** Write request units as DynamoDB bills them, with its indexes. */
  writeUnits(): number;
  reset(): void;
  /** Drops a file and waits for its end. */
  drop(
    name: string,
    body: string,
    options?: Record<string, string>,
  ): Promise<{ batchId: string; status: string; total: number }>;
  close(): Promise<void>;
}

export async function startCountedStack(config: object): Promise<CountedStack> {
  const folder = await mkdtemp(join(tmpdir(), 'batchdrop-counted-'));
  const configFile = join(folder, 'config.json');
  await writeFile(configFile, JSON.stringify(config));
  let requests = new Tally();
  let calls = new Tally();
  let units = 0;
  const onCall = (call: AwsCall) => {
    requests.add(`${call.service} ${call.operation}`);
    if (call.service === 'dynamodb') units += writeUnitsOf(call.operation, call.body);
  };
  const counted = async (name: FunctionName) => {
    const handler = await loadFunction(name);
    return async (event: unknown, context: Parameters<typeof handler>[1]) => {
      calls.add(name);
      try {
        return await as(name, () => handler(event, context));
      } finally {
        // Whoever counts sees a sweep that began earlier.
        if (name === 'sweep') calls.add(name);
      }
    };
  };
  const stopSigning = signAllByCaller();
  const stack = await startLocalStack({
    dataDir: join(folder, 'data'),
    configFile,
    simulateAll: true,
    loadFunction: counted,
    permissions: permissionsOf('plain'),
  });
  const proxies = await Promise.all([
    EndpointProxy.start({ onCall }),
    EndpointProxy.start({ onCall }),
    EndpointProxy.start({ onCall }),
  ]);
  const [s3, dynamodb, services] = proxies;
  s3.leadTo(stack.endpoints.s3);
  dynamodb.leadTo(stack.endpoints.dynamodb);
  services.leadTo(stack.endpoints.stepFunctions);
  const restore = setEnvironment({
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SFN: services.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: services.url,
  });
  const client = new S3Client({ endpoint: stack.s3Url, forcePathStyle: true });
  return {
    stack,
    get requests() {
      return requests;
    },
    get calls() {
      return calls;
    },
    writeUnits: () => units,
    reset: () => {
      requests = new Tally();
      calls = new Tally();
      units = 0;
    },
    drop: async (name, body, options = {}) => {
      await client.send(
        new PutObjectCommand({ Bucket: stack.bucket, Key: `inbox/${name}`, Body: body, Metadata: options }),
      );
      return waitForEnd(client, stack, name);
    },
    close: async () => {
      restore();
      stopSigning();
      await stack.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function waitForEnd(
  client: S3Client,
  stack: LocalStack,
  name: string,
): Promise<{ batchId: string; status: string; total: number }> {
  for (let tries = 0; tries < 600; tries += 1) {
    await sleep(100);
    const text = await textOf(client, stack.bucket, `status/${name}.json`);
    const status = text === null ? null : JSON.parse(text);
    const isOver = status && ['completed', 'failed', 'expired', 'cancelled'].includes(status.status);
    // The status file is written before the event and the last write to the record.
    if (isOver) await sleep(500);
    if (isOver) return { batchId: status.batch_id, status: status.status, total: status.request_counts.total };
  }
  throw new Error(`${name} did not end.`);
}

async function textOf(client: S3Client, bucket: string, key: string): Promise<string | null> {
  try {
    const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await found.Body?.transformToString()) ?? '';
  } catch (error) {
    if (error instanceof NoSuchKey) return null;
    throw error;
  }
}
