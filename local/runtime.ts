import { readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { fileLog } from '../lambdas/log-file.ts';
import { createApi } from '../lib/api/app.ts';
import { SignInTokens } from '../lib/api/console/sign-in-tokens.ts';
import { createServices, type Log } from '../lib/pipeline/services.ts';
import { consoleUrl } from '../lib/records/console-url.ts';
import { messageOf, safeText } from '../lib/records/errors.ts';
import type { FunctionName } from '../lib/records/function-timeouts.ts';
import { inboxPrefix } from '../lib/records/object-keys.ts';
import { maxUploadBytes } from '../lib/records/upload-limits.ts';
import { startAwsJsonServer } from './aws-json-server.ts';
import { localConsoleFiles } from './console-files.ts';
import { takeDataFolder } from './data-folder.ts';
import { startLocalDynamoDB } from './dynamodb.ts';
import { setEnvironment } from './environment.ts';
import { LocalEventBus } from './event-bus.ts';
import { type FunctionHandler, FunctionInvoker } from './function-invoker.ts';
import { localBedrockRoleArn, localCredentials, localRegion, localStateMachineArn } from './local-account.ts';
import { localApiKey } from './local-api-key.ts';
import { loadLocalConfig } from './local-config.ts';
import { loadFunction } from './local-functions.ts';
import { asPortError, serveOnLoopback } from './loopback-server.ts';
import type { Permissions } from './permissions.ts';
import { openProviderAccess, type SimulatorUrls } from './provider-access.ts';
import { startLocalS3 } from './s3/server.ts';
import { LocalStepFunctions } from './step-functions.ts';
import { startSweeps } from './sweep-schedule.ts';

export interface LocalStackOptions {
  /** Made if missing; one stack at a time. */
  dataDir: string;
  /** Port of the HTTP API; a free one if absent. */
  port?: number;
  /** A free one if absent. */
  s3Port?: number;
  /** Else `batchdrop.config.json` of the working directory, else a default that is written to the data folder. */
  configFile?: string;
  /** Simulators of another process, for the providers without a key; else they run in this one. */
  simulators?: SimulatorUrls | undefined;
  /** Simulates every provider, whatever keys the environment has. */
  simulateAll?: boolean;
  /** Where handlers log: `batchdrop.log` in the data folder, or standard error. */
  log?: 'file' | 'stderr';
  /** What stands for the real handlers, in tests of the runtime itself. */
  loadFunction?: (name: FunctionName) => Promise<FunctionHandler>;
  /** Whose calls of AWS are allowed; all are where it is absent. */
  permissions?: Permissions;
}

export interface LocalStack {
  apiUrl: string;
  s3Url: string;
  bucket: string;
  dataDir: string;
  /** Key of the tenant `default`; the same from start to start. */
  apiKey: string;
  /** @returns an address of the console that signs in once, within ten minutes. */
  newConsoleUrl(): string;
  endpoints: { s3: string; dynamodb: string; stepFunctions: string; eventBridge: string };
  /** Configured providers that are not simulated. */
  real: string[];
  simulated: string[];
  /** @returns how many events AWS would have in the execution's history, or null where there is no such execution. */
  historyEvents(executionName: string): number | null;
  /** Stops taking drops, aborts what runs and lets go of the folder; the next start goes on from there. */
  close(): Promise<void>;
}

const bucket = 'batchdrop';
const tableName = 'batchdrop';
/** Nothing stands between a client and this machine, so one request may carry whatever an upload may, and an answer any file. */
const localApiSettings = {
  maxFileBytes: maxUploadBytes,
  maxContentBytes: Number.POSITIVE_INFINITY,
  maxIdleMs: 30_000,
  mergeBudgetMs: 20_000,
};

/**
 * Starts everything that AWS would be, on 127.0.0.1, and goes on with what an earlier run left unfinished. Where things
 * are stands in this process's environment until `close()`, so there can be one stack at a time in a process.
 *
 * @throws DataFolderInUseError, PortTakenError or ConfigurationError; nothing is left running then.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  await using resources = new AsyncDisposableStack();
  const stack = await start(options, resources);
  const started = resources.move();
  return { ...stack, close: () => started.disposeAsync() };
}

/** Resources are closed in the opposite order of their start. */
async function start(options: LocalStackOptions, resources: AsyncDisposableStack): Promise<Omit<LocalStack, 'close'>> {
  const dataDir = resolve(options.dataDir);
  resources.defer(takeDataFolder(dataDir));
  const { file: configFile, config } = loadLocalConfig(dataDir, options.configFile);
  const dynamodb = await startLocalDynamoDB(join(dataDir, 'dynamodb'), tableName, options.permissions);
  resources.defer(dynamodb.close);
  const providers = await openProviderAccess(config, dataDir, options);
  resources.defer(providers.close);

  const logFile = options.log === 'stderr' ? '/dev/stderr' : join(dataDir, 'batchdrop.log');
  const functions = new LoggedFunctions(options.loadFunction ?? loadFunction, fileLog(logFile));
  const events = new LocalEventBus(join(dataDir, 'events.jsonl'));
  const executions = new LocalStepFunctions({
    stateMachineArn: localStateMachineArn,
    definition: readFileSync(new URL('../lib/pipeline/batch.asl.json', import.meta.url), 'utf8'),
    invoke: functions.invoke,
  });
  const services = await startAwsJsonServer({ ...executions.operations, ...events.operations }, options.permissions);
  resources.defer(services.close);

  const isOpenForDrops = Promise.withResolvers<void>();
  const s3Port = options.s3Port ?? 0;
  const s3 = await startLocalS3({
    dataDir: join(dataDir, 's3'),
    port: s3Port,
    buckets: [bucket],
    notifyPrefix: inboxPrefix,
    permissions: options.permissions,
    onObjectCreated: async (event) => {
      await isOpenForDrops.promise;
      await functions.invoke('intake', event);
    },
  }).catch((error: unknown) => {
    throw asPortError(error, s3Port);
  });
  resources.defer(s3.close);
  resources.defer(() => isOpenForDrops.resolve());

  const endpoints = { s3: s3.url, dynamodb: dynamodb.url, stepFunctions: services.url, eventBridge: services.url };
  resources.defer(
    setEnvironment({
      ...awsEnvironment(endpoints),
      ...providers.environment,
      BATCHDROP_BUCKET: bucket,
      BATCHDROP_TABLE: tableName,
      BATCHDROP_STATE_MACHINE_ARN: localStateMachineArn,
      BATCHDROP_CONFIG_FILE: configFile,
      BATCHDROP_EVENT_BUS: 'default',
      BATCHDROP_SECRETS: 'environment',
      BATCHDROP_BEDROCK_ROLE_ARN: localBedrockRoleArn,
      BATCHDROP_LOG_FILE: logFile,
    }),
  );
  const apiServices = createServices(process.env, { log: fileLog(logFile) });
  const signInTokens = new SignInTokens();
  const app = createApi(() => apiServices, {
    ...localApiSettings,
    version: readVersion(),
    consoleFiles: localConsoleFiles,
    signInTokens,
    isOpen: isOpenForDrops.promise,
  });
  const api = await serveOnLoopback(app, options.port ?? 0);
  resources.defer(api.close);
  resources.defer(() => functions.close());
  resources.defer(() => executions.close());

  // What an earlier run left goes on first, and only then new drops, so that the two never start the same batch.
  const sweeps = startSweeps((isFirst) => functions.sweep(isFirst ? { graceMs: 0, isAlone: true } : {}));
  resources.defer(sweeps.stop);
  void sweeps.first.then(isOpenForDrops.resolve);

  const apiKey = await localApiKey(dataDir, apiServices);
  return {
    apiUrl: api.url,
    s3Url: s3.url,
    bucket,
    dataDir,
    apiKey,
    newConsoleUrl: () => consoleUrl(api.url, signInTokens.issue(apiKey)),
    endpoints,
    real: Object.keys(config.providers).filter((name) => !providers.simulated.includes(name)),
    simulated: providers.simulated,
    historyEvents: (executionName) => executions.historyEvents(executionName),
  };
}

/** Leads the AWS SDK of this process to the local servers, whatever the user's own AWS configuration says. */
function awsEnvironment(endpoints: LocalStack['endpoints']): Record<string, string | undefined> {
  return {
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_SFN: endpoints.stepFunctions,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.eventBridge,
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: undefined,
    AWS_USE_FIPS_ENDPOINT: undefined,
    AWS_USE_DUALSTACK_ENDPOINT: undefined,
  };
}

/** The functions, with their errors logged: nobody else does it for a function that Lambda runs. */
class LoggedFunctions {
  readonly #invoker: FunctionInvoker;
  readonly #log: Log;

  constructor(load: (name: FunctionName) => Promise<FunctionHandler>, log: Log) {
    this.#invoker = new FunctionInvoker({ load });
    this.#log = log;
  }

  readonly invoke = async (name: FunctionName, event: unknown): Promise<unknown> => {
    try {
      return await this.#invoker.invoke(name, event);
    } catch (error) {
      const type = error instanceof Error ? error.name : 'Error';
      this.#log.error('A function failed.', { function: name, type, error: safeText(messageOf(error)) });
      throw error;
    }
  };

  /** A sweep that failed is logged and left to the next one. */
  async sweep(event: { graceMs?: number; isAlone?: boolean }): Promise<void> {
    await this.invoke('sweep', event).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#invoker.close();
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
