import { z } from 'zod';
import { type Connection, connect } from '../client/connection.ts';
import { type TargetOptions, targetOf } from '../client/target.ts';
import type { ProviderConfig, ProviderKind } from '../providers/config.ts';
import { refusingRedirects } from '../providers/shared/http/refusing-redirects.ts';
import { withoutEndSlashes } from '../records/base-url.ts';
import { digest } from '../records/digest.ts';
import { InvalidInputError, messageOf, safeText } from '../records/errors.ts';
import { RefusedCallError } from './answer.ts';
import type { LiveCall } from './live-call.ts';
import type { Pricing } from './pricing.ts';
import { pricingOf } from './provider-pricing.ts';

/** Hours in which a request must be answered, all sendings together. */
export const deadlineHours = 24;

/** How long a list of models may take to begin. */
const modelsSeconds = 60;

/** Where the official clients go by themselves. */
const publicRoots: Readonly<Record<string, string>> = {
  openai: 'https://api.openai.com',
  anthropic: 'https://api.anthropic.com',
};

/** What a deployment is told of each batch: one wrong request is its own caller's trouble alone. */
const deploymentOptions = {
  on_invalid_line: 'error_line',
  on_unknown_model: 'error_line',
  deadline_hours: deadlineHours,
} as const;

/** Options of a batch that make no sense for gathered calls, or that are said otherwise here. */
const ownOptions: readonly string[] = [
  ...Object.keys(deploymentOptions),
  'max_attempts',
  'dry_run',
  'idempotency_key',
  'endpoint',
  'max_cost_usd',
];

/** Where live calls are sent as batches: a deployment, the local stack or a provider. */
export class LiveTarget {
  readonly #options: TargetOptions;
  readonly #connections = new Map<string, Connection>();
  /** The same for the same address, whatever its key. */
  readonly id: string;
  readonly name: string;
  /** Null for a deployment. */
  readonly kind: ProviderKind | null;
  readonly config: ProviderConfig;
  /** Null for a deployment, which says itself what its batches cost. */
  readonly pricing: Pricing | null;
  readonly #baseUrl: string | undefined;
  #checked: Promise<void> | undefined;

  /**
   * @param maxAttempts how often a deployment sends a request that failed for a reason that may pass.
   * @param pricing in place of the provider's public prices.
   * @throws InvalidInputError, NotSupportedError, AuthenticationError as the library's other functions do.
   */
  constructor(
    options: TargetOptions,
    { maxAttempts, pricing }: { maxAttempts?: number | undefined; pricing?: Pricing } = {},
  ) {
    const target = targetOf(options);
    this.kind = target.kind;
    this.name = target.name;
    this.config = target.settings.config;
    this.#baseUrl = target.settings.config.baseUrl;
    this.id = digest(target.kind ?? 'deployment', this.#baseUrl ?? '', target.routedTo ?? '').slice(0, 16);
    this.pricing = pricing ?? (target.kind && pricingOf(target.kind, this.config));
    this.#options = target.kind === null ? withDeploymentOptions(options, maxAttempts) : options;
  }

  /** The connection for calls like this one: headers that change its meaning are those of its batch. */
  connectionFor({ beta, billing }: Pick<LiveCall, 'beta' | 'billing'>): Connection {
    const headers = this.#headersOf(beta, billing);
    const name = JSON.stringify(headers);
    const known = this.#connections.get(name);
    if (known) return known;
    const made = connect(Object.keys(headers).length === 0 ? this.#options : withHeaders(this.#options, headers));
    this.#connections.set(name, made);
    return made;
  }

  #headersOf(beta: string | null, billing: Record<string, string>): Record<string, string> {
    return {
      ...(beta !== null && this.kind === 'anthropic' && { 'anthropic-beta': beta }),
      ...(this.kind === 'openai' && billing),
    };
  }

  /** @throws RefusedCallError for a header that changes what the request means and that cannot be sent on. */
  assertSendable({ beta }: LiveCall): void {
    if (beta === null || this.kind === 'anthropic') return;
    const message = `The header anthropic-beta (${beta.slice(0, 80)}) changes what the request means, and ${this.name} takes none with a batch. Leave the beta feature out, or send to Anthropic directly (provider: 'anthropic').`;
    throw new RefusedCallError(400, 'unsupported_parameter', message, 'anthropic-beta');
  }

  /**
   * Makes a call as it is, with the key that pays.
   *
   * @param path below `/v1`, with its query.
   * @throws RefusedCallError where nobody knows the address, or nobody answers there.
   */
  async send(path: string, { headers, ...init }: RequestInit): Promise<Response> {
    const { settings } = targetOf(this.#options);
    const root = settings.config.baseUrl ?? (this.kind === null ? undefined : publicRoots[this.kind]);
    if (root === undefined)
      throw new RefusedCallError(
        404,
        'unknown_endpoint',
        `Nobody knows where ${this.name} takes other calls than batches.`,
      );
    const key = await settings.apiKey();
    const sent = new Headers(headers);
    if (this.kind === 'anthropic') {
      sent.set('x-api-key', key);
      if (!sent.has('anthropic-version')) sent.set('anthropic-version', '2023-06-01');
    } else sent.set('authorization', `Bearer ${key}`);
    const url = `${withoutEndSlashes(root).replace(/\/v1$/, '')}/v1${path}`;
    try {
      // A deployment leads to its bucket, for which fetch leaves the key out.
      return await (this.kind === null ? fetch : refusingRedirects(fetch))(url, { ...init, headers: sent });
    } catch (error) {
      const message = `${this.name} gave no answer to ${init.method ?? 'GET'} /v1${path}: ${safeText(messageOf(error))}`;
      throw new RefusedCallError(502, 'connection_failed', message);
    }
  }

  /** Asks the target for its models. @throws RefusedCallError where nobody has them, or gives them. */
  async models(path: string): Promise<Response> {
    return await this.send(path, { signal: AbortSignal.timeout(modelsSeconds * 1000) });
  }

  /**
   * Asks once whether the address leads to a Batchdrop server of live calls, or a provider's to a deployment: the calls would go round
   * in a circle. A server asks once it listens, since it may be that one itself.
   *
   * @throws InvalidInputError
   */
  async assertNoCircle(): Promise<void> {
    this.#checked ??= this.#check();
    await this.#checked;
  }

  async #check(): Promise<void> {
    if (this.#baseUrl === undefined) return;
    const what = await serverAt(this.#baseUrl);
    if (what === null || (this.kind === null && what === deploymentName)) return;
    const at = `${what} at ${withoutEndSlashes(this.#baseUrl)}`;
    const [message, param] =
      this.kind === null
        ? [`BATCHDROP_URL (or deployment) leads to ${at}. Give it the URL of a deployment.`, 'deployment']
        : [
            `${variableOf(this.kind)} (or apiBase) leads to ${at}, and not to ${this.name}. Unset it where the batches are sent from; a deployment is named by BATCHDROP_URL.`,
            'apiBase',
          ];
    throw new InvalidInputError('base_url_is_batchdrop', message, { param });
  }
}

function variableOf(kind: ProviderKind): string {
  return `${kind.toUpperCase().replaceAll('-', '_')}_BASE_URL`;
}

function withDeploymentOptions(options: TargetOptions, maxAttempts: number | undefined): TargetOptions {
  const given = options.providerOptions ?? {};
  const taken = Object.keys(given).find((name) => ownOptions.includes(name));
  if (taken !== undefined)
    throw new InvalidInputError(
      'invalid_option',
      `providerOptions.${taken} is set by the gathering itself. ${taken === 'max_attempts' ? 'Give maxAttempts.' : 'Leave it out.'}`,
      { param: `providerOptions.${taken}` },
    );
  const attempts = maxAttempts === undefined ? {} : { max_attempts: maxAttempts };
  return { ...options, providerOptions: { ...given, ...deploymentOptions, ...attempts } };
}

const headersSchema = z.looseObject({ defaultHeaders: z.record(z.string(), z.string()).optional() });

function withHeaders(options: TargetOptions, headers: Record<string, string>): TargetOptions {
  const { defaultHeaders, ...clientOptions } = headersSchema.parse(options.clientOptions ?? {});
  return { ...options, clientOptions: { ...clientOptions, defaultHeaders: { ...defaultHeaders, ...headers } } };
}

/** The header by which `batchdrop serve` is known. */
export const serverHeader = 'x-batchdrop-serve';

const askSeconds = 5;
const deploymentName = 'a Batchdrop deployment';

/** @returns what answers there, where it is one of Batchdrop's servers; a server that does not answer is none. */
async function serverAt(baseUrl: string): Promise<string | null> {
  const root = withoutEndSlashes(baseUrl).replace(/\/v1$/, '');
  const health = await asked(`${root}/healthz`);
  if (health?.headers.has(serverHeader)) return 'batchdrop serve';
  if (!health?.ok) return null;
  const description = await asked(`${root}/openapi.json`);
  const read = descriptionSchema.safeParse(await description?.json().catch(() => null));
  return read.success && read.data.info.title.includes('Batchdrop') ? deploymentName : null;
}

const descriptionSchema = z.object({ info: z.object({ title: z.string() }) });

async function asked(url: string): Promise<Response | null> {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(askSeconds * 1000) });
  } catch {
    return null;
  }
}
