import { CustomIds } from '../../lines/custom-ids.ts';
import { type Line, lengthOf, type OverlongLine } from '../../lines/jsonl.ts';
import { passedBytes } from '../../lines/passed-lines.ts';
import { parseRequestLine, type RequestLine } from '../../lines/request-line.ts';
import type { Config } from '../../providers/config.ts';
import type { Provider, ProviderLimits, Warning } from '../../providers/contract.ts';
import { type Route, Router, type Routing } from '../../providers/routing.ts';
import { tierProblem } from '../../providers/service-tier.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { placeholderLineId } from '../../records/ids.ts';
import type { LineError } from '../../records/openai-batch.ts';
import type { BatchOptions } from '../../records/options.ts';
import type { Account } from '../services.ts';
import { limitsOf } from '../shards/account-limits.ts';

/** A request that some provider will take. */
export interface AcceptedLine {
  request: RequestLine;
  /** The same object for all lines of a model. */
  route: Route;
  /** Its length as the provider will get it. */
  sentBytes: number;
  /** As the provider will get it, under `placeholderLineId`; null for a line that goes in its own bytes. */
  translated: Buffer | null;
  warnings: readonly Warning[];
  /** Whether its body goes as it is. */
  keepsBody: boolean;
  /** JSON of what it says for its whole sending; null for most. */
  shared: string | null;
  /** Where its model goes, if that may surprise. */
  note: Warning | null;
}

export interface RefusedLine {
  errors: LineError[];
  /** Null where the line has none, or one that another line has already. */
  customId: string | null;
  format: RequestLine['format'];
}

/** What lines say of their batch. */
export interface SeenLines {
  /** The endpoint that lines in OpenAI's form name. */
  urlEndpoint: Endpoint | null;
  hasNativeLines: boolean;
}

/** The configured providers, as far as a line is held against them: nothing is called. */
export interface LineTargets {
  config: Config;
  account(name: string): Pick<Account, 'config' | 'provider'>;
}

/**
 * Every rule for the lines of one input: their form, unique ids, a provider for each, what that provider can take. Lines
 * go in in their order; memory holds a hash of each custom_id.
 */
export class LineValidation {
  readonly #targets: LineTargets;
  readonly #isStrict: boolean;
  /** Lines need neither method nor url where the options say both provider and endpoint. */
  readonly #isAddressOptional: boolean;
  readonly #router: Router;
  readonly #customIds: CustomIds;
  readonly #destinations = new Map<string, Destination>();
  /** What the url of lines in OpenAI's form must be; the first of them decides where the options do not. */
  #urlEndpoint: Endpoint | undefined;
  #hasNativeLines = false;

  /** @param customIds the ids of earlier lines. */
  constructor(
    targets: LineTargets,
    options: Pick<BatchOptions, 'provider' | 'endpoint' | 'strict'>,
    customIds = new CustomIds(),
  ) {
    this.#targets = targets;
    this.#customIds = customIds;
    this.#isStrict = options.strict;
    this.#isAddressOptional = options.provider !== undefined && options.endpoint !== undefined;
    this.#router = new Router(targets.config, options.provider);
    this.#urlEndpoint = options.endpoint;
  }

  /** For another validation that goes on behind these lines. */
  get seen(): SeenLines {
    return { urlEndpoint: this.#urlEndpoint ?? null, hasNativeLines: this.#hasNativeLines };
  }

  resume({ urlEndpoint, hasNativeLines }: SeenLines): void {
    this.#urlEndpoint = urlEndpoint ?? this.#urlEndpoint;
    this.#hasNativeLines = hasNativeLines;
  }

  /** What the batch is for: `/v1/messages` where all lines are in Anthropic's own form. Undefined before the first good line. */
  get endpoint(): Endpoint | undefined {
    return this.#urlEndpoint ?? (this.#hasNativeLines ? '/v1/messages' : undefined);
  }

  validate(line: Line | OverlongLine): AcceptedLine | RefusedLine {
    const parsed = parseRequestLine(line, this.#urlEndpoint, this.#isAddressOptional);
    if (!parsed.ok) {
      const duplicate = this.#duplicateOf(parsed.customId, line.lineNumber);
      const errors = duplicate ? [...parsed.errors, duplicate] : parsed.errors;
      return { errors, customId: duplicate ? null : parsed.customId, format: parsed.format };
    }
    const { request } = parsed;
    if (request.format === 'anthropic') this.#hasNativeLines = true;
    else this.#urlEndpoint ??= request.endpoint;
    const duplicate = this.#duplicateOf(request.customId, line.lineNumber);
    if (duplicate) return { errors: [duplicate], customId: null, format: request.format };
    return this.#route(request, lengthOf(line));
  }

  #duplicateOf(customId: string | null, lineNumber: number): LineError | null {
    if (customId === null) return null;
    const earlier = this.#customIds.add(customId, lineNumber);
    if (earlier === null) return null;
    const message = `The custom_id '${customId}' of line ${lineNumber} was already used on line ${earlier}; each must be unique.`;
    return { code: 'duplicate_custom_id', message, param: 'custom_id', line: lineNumber };
  }

  #route(request: RequestLine, byteLength: number): AcceptedLine | RefusedLine {
    const destination = this.#destinationOf(request.model);
    if ('problem' in destination) return refuse(request, { ...destination.problem, param: modelParam(request) });
    const prepared = prepareLine(request, byteLength, destination);
    if ('error' in prepared) return refuse(request, prepared.error);
    const [warning] = prepared.warnings;
    if (warning && this.#isStrict) return refuse(request, strictError(warning));
    const { limits, route } = destination;
    const size = limits.overheadBytes.batch + prepared.sentBytes + limits.overheadBytes.line;
    return size > limits.maxBytes ? refuse(request, tooLarge(size, limits.maxBytes, route.provider)) : prepared;
  }

  #destinationOf(model: string): Destination | Extract<Routing, { route: null }> {
    const known = this.#destinations.get(model);
    if (known) return known;
    const routing = this.#router.route(model);
    if (!routing.route) return routing;
    const { route, note } = routing;
    const account = this.#targets.account(route.provider);
    const { provider, config } = account;
    const destination = { route, note, provider, config, limits: limitsOf(account) };
    if (this.#destinations.size < maxKnownModels) this.#destinations.set(model, destination);
    return destination;
  }
}

/** Where the lines of one model go. */
interface Destination {
  route: Route;
  note: string | null;
  provider: Provider;
  limits: ProviderLimits;
  config: Account['config'];
}

/** More models than any provider has; a file in which every line names its own must not fill the memory. */
const maxKnownModels = 10_000;

function prepareLine(
  request: RequestLine,
  byteLength: number,
  { route, note: sentence, provider, config }: Destination,
): AcceptedLine | { error: Omit<LineError, 'line'> } {
  const note = sentence === null ? null : modelRouted(request, sentence);
  const keepsBody = provider.passesThrough(request);
  const problem = tierProblem(request, provider);
  if (problem) return { error: problem };
  const sharing = provider.sharedOf?.(request, config);
  if (sharing?.ok === false) return { error: sharing.error };
  const shared = sharing?.shared ? JSON.stringify(sharing.shared) : null;
  if (keepsBody && request.isAddressed && shared === null) {
    const sentBytes = passedBytes(byteLength, request.spans, route.model, request.model);
    return { request, route, sentBytes, translated: null, warnings: noWarnings, keepsBody, shared, note };
  }
  const target = { lineId: placeholderLineId, model: route.model, modelRules: config.model_rules };
  const translated = provider.translateRequest(request, target);
  if (!translated.ok) return { error: translated.error };
  const { bytes, warnings } = translated;
  return { request, route, sentBytes: bytes.length, translated: bytes, warnings, keepsBody, shared, note };
}

const noWarnings: readonly Warning[] = [];

function refuse(request: RequestLine, error: Omit<LineError, 'line'>): RefusedLine {
  const { lineNumber, customId, format } = request;
  return { errors: [{ ...error, line: lineNumber }], customId, format };
}

function strictError({ message, param }: Warning): Omit<LineError, 'line'> {
  return { code: 'unsupported_parameter', message: `${message} (strict mode)`, param };
}

function modelParam({ format }: RequestLine): string {
  return format === 'openai' ? 'body.model' : 'params.model';
}

function modelRouted(request: RequestLine, message: string): Warning {
  return { code: 'model_routed', message, param: modelParam(request) };
}

function tooLarge(size: number, limit: number, provider: string): Omit<LineError, 'line'> {
  const message = `This request takes ${size} bytes; a batch of provider '${provider}' holds at most ${limit}.`;
  return { code: 'request_too_large', message, param: null };
}
