import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import OpenAI from 'openai';
import { vi } from 'vitest';
import { createServices, type Services } from '../../lib/pipeline/services.ts';
import type { BatchRecord } from '../../lib/records/batch.ts';
import { resultKey, statusKey } from '../../lib/records/object-keys.ts';
import type { BatchEvent } from '../../lib/store/events.ts';
import { startLocalDynamoDB } from '../../local/dynamodb.ts';
import { localStateMachineArn } from '../../local/local-account.ts';
import { type ObjectCreatedEvent, startLocalS3 } from '../../local/s3/server.ts';
import type { TaskTokens } from '../../local/task-tokens.ts';
import { type LiveSimulator, startAnthropicSimulator, startOpenAISimulator } from '../../simulators/simulators.ts';
import { signedByCaller } from '../policies/caller.ts';
import { permissionsOf } from '../policies/permissions.ts';
import type { Stack } from '../policies/policy-books.ts';
import { startPlayedServices } from './played-services.ts';
import { intake } from './steps.ts';

const bucket = 'batchdrop';

/** A `status/` file as a user reads it. */
export interface StatusFile {
  batch_id: string | null;
  status: string;
  request_counts: { total: number; completed: number; failed: number };
  output: string | null;
  errors: string | null;
  retry: string | null;
  validation?: string | null;
  warnings?: string | null;
  summary: string | null;
  error_count: number;
  first_error: { code: string; message: string; line: number | null; param: string | null } | null;
}

/**
 * The real stores (local S3, DynamoDB) and providers (the simulators) behind the real SDKs, with a clock that tests turn, and
 * under the policies of the synthesized stack. Only the state machine is played by the test (see drive.ts), so that it can
 * stop anywhere.
 */
export interface Harness {
  services: Services;
  simulators: { openai: LiveSimulator; anthropic: LiveSimulator };
  /** Executions that were started and not yet driven. */
  started: { batchId: string; epoch: number }[];
  running: Set<string>;
  events: { status: string; detail: BatchEvent }[];
  /** The providers' keys by the names of their secrets; `right-key` is that of each that is not here. */
  keys: Map<string, string>;
  /** Of other state machines, which wait for a batch. */
  tasks: TaskTokens;
  logs: string[];
  /** Puts an object into the inbox and hands its event to intake, as the bucket would. */
  drop(name: string, body: string | Buffer, metadata?: Record<string, string>): Promise<string | null>;
  put(key: string, body: string | Buffer, metadata?: Record<string, string>): Promise<void>;
  /** Every object that the status file names exists. */
  status(name: string): Promise<StatusFile>;
  results(batchId: string): Promise<{ output: string[]; errors: string[]; retry: string[] }>;
  /** The input files that the OpenAI simulator got. */
  sentToOpenAI(): Promise<string[]>;
  read(key: string): Promise<string | null>;
  batch(batchId: string): Promise<BatchRecord>;
  close(): Promise<void>;
}

export interface HarnessOptions {
  providers?: Record<string, object>;
  config?: object;
}

const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };
const defaultProviders = {
  openai: { kind: 'openai', secret: 'openai', ...quick },
  anthropic: { kind: 'anthropic', secret: 'anthropic', ...quick },
};

/** The synthesized stack that has what a configuration needs. */
function stackOf({ providers = {}, config = {} }: HarnessOptions): Stack {
  if ('inputPrefixes' in config) return 'inputPrefixes';
  return Object.values(providers).some((account) => 'kind' in account && account.kind === 'bedrock')
    ? 'bedrock'
    : 'plain';
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const permissions = permissionsOf(stackOf(options));
  const dataDir = await mkdtemp(join(tmpdir(), 'batchdrop-test-'));
  const created: ObjectCreatedEvent[] = [];
  const s3 = await startLocalS3({
    dataDir: join(dataDir, 's3'),
    buckets: [bucket],
    notifyPrefix: 'inbox/',
    strictChecksums: true,
    permissions,
    onObjectCreated: async (event) => {
      created.push(event);
    },
  });
  const dynamodb = await startLocalDynamoDB(null, 'batchdrop', permissions);
  const { started, running, events, keys, tasks, ...played } = await startPlayedServices(permissions);
  const timing = { validatingMs: 500, inProgressMs: 2_000, finalizingMs: 500 };
  const openai = await startOpenAISimulator({ dataDir: join(dataDir, 'openai'), timing, apiKey: 'right-key' });
  const anthropic = await startAnthropicSimulator({ dataDir: join(dataDir, 'anthropic'), timing, apiKey: 'right-key' });
  const configFile = join(dataDir, 'config.json');
  const urls: Record<string, string> = { openai: openai.url, anthropic: anthropic.url };
  const providers = Object.entries(options.providers ?? defaultProviders).map(([name, account]) => [
    name,
    { ...account, ...(urls[name] && { baseUrl: urls[name] }) },
  ]);
  const polling = { minSeconds: 1, maxSeconds: 5 };
  await writeFile(configFile, JSON.stringify({ providers: Object.fromEntries(providers), polling, ...options.config }));
  const environment: NodeJS.ProcessEnv = {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SFN: played.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: played.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: played.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    BATCHDROP_BUCKET: bucket,
    BATCHDROP_TABLE: 'batchdrop',
    BATCHDROP_STATE_MACHINE_ARN: localStateMachineArn,
    BATCHDROP_CONFIG_FILE: configFile,
    BATCHDROP_SECRETS: 'secrets-manager',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const logs: string[] = [];
  const note = (message: string, data?: Record<string, unknown>) =>
    logs.push(`${message} ${JSON.stringify(data ?? {})}`);
  const log = { info: note, warn: note, error: note };
  const services = createServices(process.env, { log, observe: signedByCaller });
  const client = new S3Client({ forcePathStyle: true });
  const put: Harness['put'] = async (key, body, metadata = {}) => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body), Metadata: metadata }));
  };
  const read = async (key: string) => (await services.objects.readText(key))?.text ?? null;
  const lines = async (key: string) => ((await read(key)) ?? '').split('\n').filter((line) => line !== '');
  return {
    services,
    simulators: { openai, anthropic },
    started,
    running,
    events,
    keys,
    tasks,
    logs,
    put,
    read,
    drop: async (name, body, metadata = {}) => {
      const key = `inbox/${name}`;
      const before = created.length;
      await put(key, body, metadata);
      await vi.waitUntil(() => created.slice(before).some((event) => event.detail.object.key === key), {
        timeout: 60_000,
      });
      const event = created.findLast((one) => one.detail.object.key === key);
      if (!event) throw new Error('no event');
      const { etag, sequencer } = event.detail.object;
      return intake(services, { bucket, key, etag, sequencer });
    },
    sentToOpenAI: async () => {
      const files = new OpenAI({ apiKey: 'right-key', baseURL: openai.url }).files;
      const texts: string[] = [];
      for await (const file of files.list({ purpose: 'batch' }))
        texts.push(await (await files.content(file.id)).text());
      return texts;
    },
    status: async (name) => {
      const text = await read(statusKey(`inbox/${name}`));
      if (text === null) throw new Error(`There is no status file of ${name}.`);
      const status: StatusFile = JSON.parse(text);
      const { output, errors, retry, validation, warnings, summary } = status;
      for (const uri of [output, errors, retry, validation, warnings, summary])
        if (uri && !(await services.objects.head(uri.replace(`s3://${bucket}/`, ''))))
          throw new Error(`The status file of ${name} names ${uri}, which does not exist.`);
      return status;
    },
    results: async (batchId) => ({
      output: await lines(resultKey(batchId, 'output.jsonl')),
      errors: await lines(resultKey(batchId, 'errors.jsonl')),
      retry: await lines(resultKey(batchId, 'retry.jsonl')),
    }),
    batch: (batchId) => services.records.getBatch(batchId),
    close: async () => {
      vi.unstubAllEnvs();
      await Promise.all([s3.close(), dynamodb.close(), played.close(), openai.close(), anthropic.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
