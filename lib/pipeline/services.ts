import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { secretOf } from '../providers/account.ts';
import { type Config, type ProviderConfig, parseConfig, unknownProvider } from '../providers/config.ts';
import { type ConnectedAccount, connectAccount } from '../providers/connect.ts';
import type { Provider, Workplace } from '../providers/contract.ts';
import { providerOf } from '../providers/registry.ts';
import { apiKeyPrefix } from '../records/api-key.ts';
import { deploymentNameOf } from '../records/deployment-settings.ts';
import { ConfigurationError } from '../records/errors.ts';
import { describeIssues } from '../records/options.ts';
import { ApiKeys } from '../store/api-keys.ts';
import { Budgets } from '../store/budgets.ts';
import { CreationClaims } from '../store/creation-claims.ts';
import { Cursors } from '../store/cursors.ts';
import { EventBus } from '../store/events.ts';
import { Executions } from '../store/executions.ts';
import { Objects } from '../store/objects.ts';
import { type Observe, unobserved } from '../store/observe.ts';
import { RecordTable } from '../store/record-table.ts';
import { Records } from '../store/records.ts';
import { Removals } from '../store/removals.ts';
import {
  EnvironmentSecrets,
  environmentName,
  type Secrets,
  SecretsManagerSecrets,
  simulatedKey,
} from '../store/secrets.ts';
import { Semaphores } from '../store/semaphores.ts';
import { connectStepFunctions } from '../store/step-functions-client.ts';
import { TaskAnswers } from '../store/task-answers.ts';
import { Uploads } from '../store/uploads.ts';
import { UsageRecords } from '../store/usage-records.ts';
import { WaitingLists } from '../store/waiting-lists.ts';
import { type Metrics, silentMetrics } from './metrics.ts';

/** Structured log lines. Never a payload, a key or a presigned URL. */
export interface Log {
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
}

/** A configured provider: its pure half, and its calls. */
export interface Account extends ConnectedAccount {
  name: string;
  config: ProviderConfig;
  provider: Provider;
  /** Whether a simulator answers in place of the provider, as on the local stack for want of a key. */
  isSimulated: boolean;
}

/** All that a step works with. */
export interface Services {
  config: Config;
  records: Records;
  semaphores: Semaphores;
  waitingLists: WaitingLists;
  budgets: Budgets;
  uploads: Uploads;
  removals: Removals;
  cursors: Cursors;
  apiKeys: ApiKeys;
  creationClaims: CreationClaims;
  usageRecords: UsageRecords;
  objects: Objects;
  executions: Pick<Executions, 'start' | 'isRunning'>;
  events: Pick<EventBus, 'send'>;
  tasks: Pick<TaskAnswers, 'succeed' | 'fail'>;
  log: Log;
  metrics: Metrics;
  /** @throws ConfigurationError for a name that is not configured. */
  account(name: string): Account;
  /** Unix milliseconds. */
  now(): number;
  /** A number in [0, 1). */
  random(): number;
  /** A writer's own token: 16 hex digits. */
  token(): string;
}

/** The time now as a Unix timestamp, in whole seconds. */
export function unixSeconds(services: Pick<Services, 'now'>): number {
  return Math.floor(services.now() / 1_000);
}

/** The times of a record that is made now: seconds for people, milliseconds for the order of lists. */
export function creationTimes(services: Pick<Services, 'now'>): { createdAt: number; createdAtMs: number } {
  const createdAtMs = Math.floor(services.now());
  return { createdAt: Math.floor(createdAtMs / 1_000), createdAtMs };
}

/** What one run of a step may take. */
export interface StepContext {
  remainingMs(): number;
  /** Aborted shortly before the function is killed. */
  signal: AbortSignal;
}

const environmentSchema = z.object({
  BATCHDROP_BUCKET: z.string().min(1),
  BATCHDROP_TABLE: z.string().min(1),
  BATCHDROP_STATE_MACHINE_ARN: z.string().min(1),
  BATCHDROP_CONFIG_FILE: z.string().min(1),
  BATCHDROP_EVENT_BUS: z.string().min(1).default('default'),
  /** Role of the stack's own by which Bedrock reads and writes the bucket; only where an account is Bedrock's. */
  BATCHDROP_BEDROCK_ROLE_ARN: z.string().min(1).optional(),
  BATCHDROP_SECRETS: z.enum(['secrets-manager', 'environment']).default('secrets-manager'),
});

/** What a test, or another runtime, puts in place of the real thing. */
export interface Overrides {
  log: Log;
  metrics?: Metrics;
  observe?: Observe;
  now?: () => number;
  random?: () => number;
  token?: () => string;
}

/**
 * Wires the services from the environment. Endpoints are the SDK's own variables (`AWS_ENDPOINT_URL_S3`, ...).
 *
 * @throws ConfigurationError that names what is missing.
 */
export function createServices(environment: NodeJS.ProcessEnv, overrides: Overrides): Services {
  const settings = readEnvironment(environment);
  const isLocal = settings.BATCHDROP_SECRETS === 'environment';
  const file = resolve(settings.BATCHDROP_CONFIG_FILE);
  const config = parseConfig(readFileSync(file, 'utf8'), file, isLocal ? 'local' : 'aws');
  const baseUrlOf = (name: string) => (isLocal ? environment[`${environmentName(name)}_BASE_URL`] : undefined);
  const isSimulated = (name: string) => isLocal && environment[`${environmentName(name)}_API_KEY`] === simulatedKey;
  const observe = overrides.observe ?? unobserved;
  const secrets = isLocal
    ? new EnvironmentSecrets(environment)
    : SecretsManagerSecrets.connect(deploymentNameOf(settings.BATCHDROP_STATE_MACHINE_ARN), observe);
  const table = RecordTable.connect(settings.BATCHDROP_TABLE, observe);
  const stepFunctions = connectStepFunctions(observe);
  const stores = {
    records: new Records(table),
    semaphores: new Semaphores(table),
    waitingLists: new WaitingLists(table),
    budgets: new Budgets(table),
    uploads: new Uploads(table),
    removals: new Removals(table),
    cursors: new Cursors(table),
    apiKeys: new ApiKeys(table),
    creationClaims: new CreationClaims(table),
    usageRecords: new UsageRecords(table),
    objects: Objects.connect(settings.BATCHDROP_BUCKET, isLocal, observe),
    executions: new Executions(stepFunctions, settings.BATCHDROP_STATE_MACHINE_ARN),
    events: EventBus.connect(settings.BATCHDROP_EVENT_BUS, observe),
    tasks: new TaskAnswers(stepFunctions),
  };
  const workplace = { objects: stores.objects, roleArn: settings.BATCHDROP_BEDROCK_ROLE_ARN ?? null };
  return {
    config,
    ...stores,
    account: accounts(config, secrets, { baseUrlOf, isSimulated }, workplace),
    log: overrides.log,
    metrics: overrides.metrics ?? silentMetrics,
    now: overrides.now ?? Date.now,
    random: overrides.random ?? Math.random,
    token: overrides.token ?? (() => randomBytes(8).toString('hex')),
  };
}

/**
 * A stack must not be its own provider, or that of one that is its provider: each batch would make another, without end. Whoever
 * answers with batches of ours asks for a key of ours.
 *
 * @throws ConfigurationError
 */
function foreignKey(name: string, key: string): string {
  if (!key.startsWith(apiKeyPrefix)) return key;
  const message = `The API key of provider '${name}' is a key of Batchdrop itself: its batches would come back as batches, without end. Put the provider's own key there.`;
  throw new ConfigurationError(message);
}

function readEnvironment(environment: NodeJS.ProcessEnv): z.infer<typeof environmentSchema> {
  const result = environmentSchema.safeParse(environment);
  if (result.success) return result.data;
  throw new ConfigurationError(`The environment is incomplete: ${describeIssues(result.error)}`);
}

/** What the local stack has put in place of a provider. */
interface Place {
  baseUrlOf(name: string): string | undefined;
  isSimulated(name: string): boolean;
}

function accounts(config: Config, secrets: Secrets, place: Place, workplace: Workplace): (name: string) => Account {
  const connected = new Map<string, Account>();
  return (name) => {
    const known = connected.get(name);
    if (known) return known;
    const account = connect(name, config, secrets, place, workplace);
    connected.set(name, account);
    return account;
  };
}

function connect(
  name: string,
  config: Config,
  secrets: Secrets,
  { baseUrlOf, isSimulated }: Place,
  workplace: Workplace,
): Account {
  const configured = Object.hasOwn(config.providers, name) ? config.providers[name] : undefined;
  if (!configured) throw new ConfigurationError(unknownProvider(name, config));
  const baseUrl = baseUrlOf(name);
  const providerConfig = baseUrl ? { ...configured, baseUrl } : configured;
  const provider = providerOf(providerConfig);
  const secret = secretOf(providerConfig);
  const apiKey = async (refresh?: boolean) =>
    secret === null ? '' : foreignKey(name, await secrets.apiKey(name, secret, refresh));
  const settings = { name, config: providerConfig, apiKey, workplace };
  return {
    name,
    config: providerConfig,
    provider,
    isSimulated: isSimulated(name),
    ...connectAccount(provider, settings),
  };
}
