import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import OpenAI from 'openai';
import { vi } from 'vitest';
import { z } from 'zod';
import { resultKey, statusKey } from '../../lib/records/object-keys.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { ApiKeys } from '../../lib/store/api-keys.ts';
import { Objects } from '../../lib/store/objects.ts';
import { RecordTable } from '../../lib/store/record-table.ts';
import { Records } from '../../lib/store/records.ts';
import { startAwsJsonServer } from '../../local/aws-json-server.ts';
import { secretArn } from '../../local/aws-needs.ts';
import { startLocalDynamoDB } from '../../local/dynamodb.ts';
import { type LocalEvent, LocalEventBus } from '../../local/event-bus.ts';
import { localRegion, localStateMachineArn } from '../../local/local-account.ts';
import { startLocalS3 } from '../../local/s3/server.ts';
import { LocalStepFunctions } from '../../local/step-functions.ts';
import { startOpenAISimulator } from '../../simulators/simulators.ts';
import type { StatusFile } from '../pipeline/harness.ts';
import { permissionsIn } from '../policies/permissions.ts';
import { readPolicies, resolve, type Template } from '../policies/read-policies.ts';
import { type BundledStack, bundledStack } from './bundled-stack.ts';
import { startGateway } from './gateway.ts';
import { Lambda, type LambdaOptions } from './lambda.ts';

const bucket = 'batchdrop';
/** At all providers. */
const apiKey = 'right-key';

/** The stack as it is deployed, with everything around its functions on this machine. */
export interface DeployedStack {
  apiUrl: string;
  client: OpenAI;
  lambda: Lambda;
  records: Records;
  stepFunctions: LocalStepFunctions;
  events: LocalEvent[];
  /** What the functions sent to X-Ray's daemon. */
  traces: string[];
  /** The next one who reads this secret gets no answer. */
  holdSecret(name: string): void;
  put(key: string, body: string, metadata?: Record<string, string>): Promise<void>;
  /** Puts an object into the inbox; the bucket's event starts intake. */
  drop(name: string, body: string, metadata?: Record<string, string>): Promise<void>;
  status(name: string): Promise<StatusFile | null>;
  results(batchId: string): Promise<{ output: string[]; errors: string[] }>;
  close(): Promise<void>;
}

export async function startDeployedStack(): Promise<DeployedStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'batchdrop-deployed-'));
  const synthesized = await bundledStack();
  const permissions = permissionsIn('deployed', readPolicies(synthesized.template));
  const started = new AsyncDisposableStack();
  started.defer(() => rmSync(dataDir, { recursive: true, force: true }));

  const dynamodb = await startLocalDynamoDB(join(dataDir, 'dynamodb'), 'batchdrop', permissions);
  started.defer(dynamodb.close);
  const timing = { validatingMs: 200, inProgressMs: 500, finalizingMs: 200 };
  const openai = await startOpenAISimulator({ dataDir: join(dataDir, 'openai'), timing, apiKey });
  started.defer(openai.close);
  const slowly = { ...timing, inProgressMs: 600_000 };
  const slow = await startOpenAISimulator({ dataDir: join(dataDir, 'slow'), timing: slowly, apiKey });
  started.defer(slow.close);

  const events: LocalEvent[] = [];
  const bus = new LocalEventBus(join(dataDir, 'events.jsonl'));
  bus.onEvent((event) => events.push(event));
  const stepFunctions = new LocalStepFunctions({
    stateMachineArn: localStateMachineArn,
    definition: definitionOf(synthesized.template),
    invoke: (name, payload) => lambda.invoke(`batchdrop-${name}`, payload),
  });
  const held = new Set<string>();
  const secrets = {
    'secretsmanager.GetSecretValue': async (input: unknown) => {
      const { SecretId: name } = z.object({ SecretId: z.string() }).parse(input);
      if (held.delete(name)) await new Promise(() => undefined);
      return { ARN: secretArn(name), Name: name, SecretString: apiKey };
    },
  };
  const services = await startAwsJsonServer(
    { ...stepFunctions.operations, ...bus.operations, ...secrets },
    permissions,
  );
  started.defer(services.close);
  const s3 = await startLocalS3({
    dataDir: join(dataDir, 's3'),
    buckets: [bucket],
    notifyPrefix: droppedPrefixOf(synthesized.template),
    permissions,
    onObjectCreated: async (event) => {
      await lambda.invoke('batchdrop-intake', event);
    },
  });
  started.defer(s3.close);

  const traces: string[] = [];
  const daemon = createSocket('udp4').on('message', (message) => traces.push(message.toString('utf8')));
  daemon.bind(0, '127.0.0.1');
  await once(daemon, 'listening');
  started.defer(() => void daemon.close());

  const endpoints = {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL: services.url,
  };
  const layer = layerIn(dataDir, synthesized, { openai: openai.url, held: openai.url, slow: slow.url });
  const lambda = new Lambda(
    functionsOf(synthesized, (name) => ({
      ...endpoints,
      AWS_ACCESS_KEY_ID: name,
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'session',
      AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
      // Lambda puts layers into /opt, a test may not.
      BATCHDROP_CONFIG_FILE: join(layer, 'batchdrop.config.json'),
    })),
  );
  started.defer(() => lambda.close());
  started.defer(() => stepFunctions.close());
  const gateway = await startGateway((event) => lambda.invoke('batchdrop-api', event));
  started.defer(gateway.close);

  const owner = { AWS_REGION: localRegion, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
  for (const [name, value] of Object.entries({ ...endpoints, ...owner })) vi.stubEnv(name, value);
  started.defer(() => void vi.unstubAllEnvs());
  const table = RecordTable.connect('batchdrop');
  const { key } = await createApiKey({ apiKeys: new ApiKeys(table), now: Date.now }, 'default', 'test');
  const client = new S3Client({ forcePathStyle: true });
  const objects = new Objects(client, bucket);
  const read = async (name: string) => (await objects.readText(name))?.text ?? null;
  const put: DeployedStack['put'] = async (name, body, metadata = {}) => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: body, Metadata: metadata }));
  };
  const lines = async (name: string) => ((await read(name)) ?? '').split('\n').filter((line) => line !== '');
  return {
    apiUrl: gateway.url,
    client: new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1`, maxRetries: 0 }),
    lambda,
    records: new Records(table),
    stepFunctions,
    events,
    traces,
    holdSecret: (name) => held.add(name),
    put,
    drop: (name, body, metadata) => put(`inbox/${name}`, body, metadata),
    status: async (name) => JSON.parse((await read(statusKey(`inbox/${name}`))) ?? 'null'),
    results: async (batchId) => ({
      output: await lines(resultKey(batchId, 'output.jsonl')),
      errors: await lines(resultKey(batchId, 'errors.jsonl')),
    }),
    close: () => started.disposeAsync(),
  };
}

const functionSchema = z.object({
  FunctionName: z.string(),
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Timeout: z.number(),
  MemorySize: z.number(),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
});

/** The template's functions, in the environment that the template and Lambda give each. */
function functionsOf(
  { folder, template }: BundledStack,
  environmentOf: (name: string) => Record<string, string>,
): LambdaOptions[] {
  return resourcesOf(template, 'AWS::Lambda::Function').map((properties) => {
    const { FunctionName: name, Code: code, Environment: environment, ...given } = functionSchema.parse(properties);
    const packageFolder = join(folder, `asset.${basename(code.S3Key, '.zip')}`);
    const variables = Object.entries(environment.Variables).map(([variable, value]): [string, string] => [
      variable,
      resolve(value, template.Resources),
    ]);
    return {
      name,
      folder: packageFolder,
      timeoutSeconds: given.Timeout,
      environment: {
        ...Object.fromEntries(variables),
        _HANDLER: given.Handler,
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(given.MemorySize),
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_LAMBDA_LOG_FORMAT: 'JSON',
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
        AWS_LAMBDA_LOG_LEVEL: 'INFO',
        AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/30/[$LATEST]0123456789abcdef',
        AWS_REGION: localRegion,
        AWS_DEFAULT_REGION: localRegion,
        LAMBDA_TASK_ROOT: packageFolder,
        LAMBDA_RUNTIME_DIR: '/var/runtime',
        LANG: 'en_US.UTF-8',
        TZ: ':UTC',
        ...environmentOf(name),
      },
    };
  });
}

/** The configuration's layer, with the addresses that nobody knew when it was synthesized. */
function layerIn(dataDir: string, { folder, template }: BundledStack, urls: Record<string, string>): string {
  const [layer] = resourcesOf(template, 'AWS::Lambda::LayerVersion');
  const { Content: content } = z.object({ Content: z.object({ S3Key: z.string() }) }).parse(layer);
  const unpacked = join(dataDir, 'layer');
  cpSync(join(folder, `asset.${basename(content.S3Key, '.zip')}`), unpacked, { recursive: true });
  const file = join(unpacked, 'batchdrop.config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  for (const [name, url] of Object.entries(urls)) config.providers[name].baseUrl = url;
  writeFileSync(file, JSON.stringify(config));
  return unpacked;
}

function definitionOf(template: Template): string {
  const [machine] = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
  return z.object({ DefinitionString: z.string() }).parse(machine).DefinitionString;
}

/** What must begin a key for EventBridge to start intake. */
function droppedPrefixOf(template: Template): string {
  const rule = z.object({
    EventPattern: z.object({
      detail: z.object({ object: z.object({ key: z.tuple([z.object({ prefix: z.string() })]) }) }),
    }),
  });
  const [found] = resourcesOf(template, 'AWS::Events::Rule').flatMap(
    (properties) => rule.safeParse(properties).data ?? [],
  );
  if (!found) throw new Error('The template has no rule for what is dropped.');
  return found.EventPattern.detail.object.key[0].prefix;
}

function resourcesOf(template: Template, type: string): Record<string, unknown>[] {
  return Object.values(template.Resources)
    .filter((resource) => resource.Type === type)
    .map(({ Properties: properties }) => properties);
}
