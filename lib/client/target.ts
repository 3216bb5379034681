import {
  type BatchProviderKind,
  batchProviderKinds,
  type ProviderConfig,
  type ProviderKind,
  providerConfigSchema,
} from '../providers/config.ts';
import type { ConnectionSettings } from '../providers/contract.ts';
import { providers } from '../providers/registry.ts';
import { withoutEndSlashes } from '../records/base-url.ts';
import { InvalidInputError } from '../records/errors.ts';
import { describeIssues } from '../records/options.ts';
import { AuthenticationError, NotSupportedError } from './errors.ts';

/** Where a call goes, and how. */
export interface TargetOptions {
  /**
   * Whose batch API to use: `openai`, `anthropic`, `groq` and so on. With `deployment`, the name of a provider that is configured there,
   * for requests whose model does not say it.
   */
  provider?: string;
  /** URL of a Batchdrop deployment. Default, without a provider: `BATCHDROP_URL`. */
  deployment?: string;
  /** Default: `OPENAI_API_KEY`, `OPENAI_COMPATIBLE_API_KEY` and so on; for a deployment, `BATCHDROP_API_KEY`. */
  apiKey?: string;
  /** Where the provider's API is. Default: `OPENAI_BASE_URL` and so on, else the provider's own. */
  apiBase?: string;
  /** What else the provider's entry in a configuration says, such as `limits`. */
  account?: object;
  /** Options of the official SDK's client, passed on as they are: `timeout`, `defaultHeaders`, `fetch` and so on. */
  clientOptions?: object;
  /** Passed on as they are: members of the body of a creation, query parameters of any other call. */
  providerOptions?: object;
  /** Ends a call early. */
  signal?: AbortSignal;
  /** How long a creation may take before its outcome counts as unknown. Default: 120. */
  createTimeoutSeconds?: number;
  /** How long a creation of unknown outcome is looked for. Default: 60. */
  settleSeconds?: number;
}

export const targetOptionNames = {
  provider: true,
  deployment: true,
  apiKey: true,
  apiBase: true,
  account: true,
  clientOptions: true,
  providerOptions: true,
  signal: true,
  createTimeoutSeconds: true,
  settleSeconds: true,
} as const satisfies Record<keyof TargetOptions, true>;

/** Options after the defaults and the environment. */
export interface Target {
  /** Null for a deployment. */
  kind: ProviderKind | null;
  settings: ConnectionSettings & { config: ProviderConfig };
  /** A provider's name for a deployment to use. */
  routedTo: string | undefined;
  /** Who is called, for people. */
  name: string;
  /** What to do about a refused key. */
  keyHint: string;
}

export function isProviderKind(name: string): name is BatchProviderKind {
  return batchProviderKinds.some((kind) => kind === name);
}

/**
 * Decides where a call goes.
 *
 * @throws InvalidInputError where neither a provider nor a deployment is named.
 * @throws NotSupportedError for a provider that there is not.
 * @throws AuthenticationError where there is no key.
 */
export function targetOf(options: TargetOptions): Target {
  const { provider } = options;
  const deployment = deploymentOf(options);
  if (deployment) return deploymentTarget(deployment, options);
  if (provider === undefined) throw noTarget();
  if (isProviderKind(provider)) return providerTarget(provider, options);
  if (provider === 'live')
    throw new NotSupportedError(
      'A live endpoint has no batches: call it directly, or let a deployment send the requests, to a provider of kind live.',
    );
  throw noProvider(provider);
}

/** Where a deployment is named, if one is. */
function deploymentOf({ provider, deployment }: TargetOptions): string | undefined {
  return deployment ?? (provider === undefined ? process.env.BATCHDROP_URL : undefined);
}

/**
 * The provider that a batch would be sent to without a deployment, and what is said of the account; no key is needed to ask.
 *
 * @returns null for a deployment.
 * @throws InvalidInputError, NotSupportedError
 */
export function directAccount(options: TargetOptions): { kind: BatchProviderKind; config: ProviderConfig } | null {
  const { provider } = options;
  if (deploymentOf(options)) return null;
  if (provider === undefined) throw noTarget();
  if (!isProviderKind(provider)) throw noProvider(provider);
  const baseUrl = options.apiBase ?? process.env[`${variablePrefix(provider)}_BASE_URL`];
  const { aws, key, notes } = providers[provider];
  if (aws) throw needsDeployment(notes.title);
  const secret = key === 'optional' ? {} : { secret: provider };
  return { kind: provider, config: accountOf({ ...secret, kind: provider }, baseUrl || undefined, options) };
}

function variablePrefix(kind: ProviderKind): string {
  return kind.toUpperCase().replaceAll('-', '_');
}

function noProvider(provider: string): NotSupportedError {
  return new NotSupportedError(`There is no provider '${provider}'; there are ${batchProviderKinds.join(', ')}.`);
}

function noTarget(): InvalidInputError {
  const message = `Say where the batch is to run: provider (${batchProviderKinds.join(', ')}) or deployment (a URL; default BATCHDROP_URL).`;
  return new InvalidInputError('missing_target', message, { param: 'provider' });
}

function providerTarget(kind: ProviderKind, options: TargetOptions): Target {
  const { aws, key: keyNeed, notes } = providers[kind];
  if (aws) throw needsDeployment(notes.title);
  const prefix = variablePrefix(kind);
  const baseUrl = options.apiBase ?? process.env[`${prefix}_BASE_URL`];
  const keyHint = `Pass apiKey, or set ${prefix}_API_KEY.`;
  const apiKey = options.apiKey ?? process.env[`${prefix}_API_KEY`];
  const isKeyless = keyNeed === 'optional' && !apiKey;
  const key = isKeyless ? '' : keyOf(kind, apiKey, keyHint);
  const secret = isKeyless ? {} : { secret: kind };
  const settings = settingsFor(kind, { ...secret, kind }, baseUrl || undefined, key, options);
  return { kind, settings, routedTo: undefined, name: notes.title, keyHint };
}

function needsDeployment(title: string): NotSupportedError {
  return new NotSupportedError(
    `${title} reads its lines from a bucket, which the library has not: configure it in a deployment and pass deployment.`,
  );
}

function deploymentTarget(url: string, options: TargetOptions): Target {
  const keyHint = 'Pass apiKey, or set BATCHDROP_API_KEY.';
  const apiKey = keyOf('the deployment', options.apiKey ?? process.env.BATCHDROP_API_KEY, keyHint);
  const settings = settingsFor('deployment', { secret: 'deployment', kind: 'openai' }, apiRoot(url), apiKey, options);
  return { kind: null, settings, routedTo: options.provider, name: `the deployment at ${url}`, keyHint };
}

/** The OpenAI SDK's base URL ends with /v1. */
function apiRoot(url: string): string {
  if (!URL.canParse(url))
    throw new InvalidInputError('invalid_url', `The deployment's URL '${url}' is none.`, { param: 'deployment' });
  return `${withoutEndSlashes(url).replace(/\/v1$/, '')}/v1`;
}

function keyOf(owner: string, apiKey: string | undefined, hint: string): string {
  if (apiKey) return apiKey;
  throw new AuthenticationError(`There is no API key for ${owner}. ${hint}`);
}

function settingsFor(
  name: string,
  entry: { kind: ProviderKind; secret?: string },
  baseUrl: string | undefined,
  apiKey: string,
  options: TargetOptions,
): Target['settings'] {
  const { clientOptions, providerOptions } = options;
  return {
    name,
    config: accountOf(entry, baseUrl, options),
    apiKey: async () => apiKey,
    ...(clientOptions && { clientOptions }),
    ...(providerOptions && { providerOptions }),
  };
}

/** An account as the pipeline's configuration describes one. */
function accountOf(
  { kind, ...entry }: { kind: ProviderKind; secret?: string },
  baseUrl: string | undefined,
  options: TargetOptions,
): ProviderConfig {
  const { account, createTimeoutSeconds = 120, settleSeconds = 60 } = options;
  const result = providerConfigSchema.safeParse({ ...entry, ...account, kind, ...(baseUrl && { baseUrl }) });
  if (result.success) return { ...result.data, createTimeoutSeconds, settleSeconds };
  const message = `The account of provider ${kind} is incomplete or wrong: ${describeIssues(result.error)}`;
  throw new InvalidInputError('invalid_option', message, { param: 'account' });
}
