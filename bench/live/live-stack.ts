import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { intake } from '../../lib/pipeline/intake/intake.ts';
import { prepare } from '../../lib/pipeline/prepare/prepare.ts';
import { createServices, type Services, type StepContext } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit/submit.ts';
import { HelperProcess } from '../data-path/helper-process.ts';

const name = 'batchdrop';
const functionMs = 900_000;

const storesSchema = z.object({ s3Url: z.string(), dynamodbUrl: z.string() });

/** The stores, in a process of their own, and where this process finds them. */
export async function startStores(folder: string) {
  const file = new URL('./stores-process.ts', import.meta.url);
  const stores = await HelperProcess.start(file, [folder, name], storesSchema);
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: stores.ready.s3Url,
    AWS_ENDPOINT_URL_DYNAMODB: stores.ready.dynamodbUrl,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  return stores;
}

/** The pipeline's own services, with a live endpoint as the only provider. No state machine runs: the bench calls the steps. */
export function liveServices(folder: string, endpoint: { baseUrl: string; maxConcurrency: number }): Services {
  const configFile = join(folder, 'config.json');
  const provider = { kind: 'live', api: 'openai', models: ['*'], ...endpoint };
  writeFileSync(configFile, JSON.stringify({ providers: { endpoint: provider } }));
  const environment = {
    BATCHDROP_BUCKET: name,
    BATCHDROP_TABLE: name,
    BATCHDROP_STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:batchdrop',
    BATCHDROP_CONFIG_FILE: configFile,
    BATCHDROP_SECRETS: 'environment',
  };
  return {
    ...createServices(environment, { log: { info: () => undefined, warn: console.error, error: console.error } }),
    executions: { start: async () => undefined, isRunning: async () => true },
    events: { send: async () => undefined },
  };
}

/**
 * Drops a file and prepares it.
 *
 * @returns the batch's id.
 */
export async function preparedBatch(services: Services, input: string): Promise<string> {
  const key = 'inbox/bench.jsonl';
  const { etag } = await services.objects.putText(key, readFileSync(input, 'utf8'));
  const drop = { bucket: name, key, etag, sequencer: services.token() };
  const batchId = await intake(services, drop);
  if (batchId === null) throw new Error('The file was not accepted.');
  await prepare(services, { batchId, epoch: 0 }, functionContext());
  return batchId;
}

/** Sends every shard in a slice of its own, one after the other, as the Submit function does. */
export async function sendShards(services: Services, batchId: string): Promise<void> {
  const [round] = (await services.records.getBatch(batchId)).rounds;
  for (let shard = 0; shard < (round?.shards ?? 0); shard += 1)
    await submit(services, { batchId, epoch: 0, shard }, functionContext());
}

/** @throws where a request has no recorded answer, or an error for one. */
export async function assertAllAnswered(services: Services, batchId: string, lines: number): Promise<void> {
  const [round] = (await services.records.getBatch(batchId)).rounds;
  let answered = 0;
  for (let shard = 0; shard < (round?.shards ?? 0); shard += 1) {
    const { live } = await services.records.getShard({ batchId, set: round?.token ?? '', shard });
    answered += (live?.answered ?? 0) - (live?.failed ?? 0);
  }
  if (answered !== lines) throw new Error(`${answered} of ${lines} requests were answered well.`);
}

function functionContext(): StepContext {
  const endsAt = performance.now() + functionMs;
  return { remainingMs: () => endsAt - performance.now(), signal: new AbortController().signal };
}
