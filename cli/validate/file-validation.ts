import { foreignForm } from '../../lib/lines/file-form.ts';
import { type Line, type OverlongLine, splitLines } from '../../lib/lines/jsonl.ts';
import { type CostPart, estimatedCostOf } from '../../lib/pipeline/cost.ts';
import { costProblem } from '../../lib/pipeline/cost-limit.ts';
import { assertLinesWithinMaximum, assertWithinMaxima, costLimitOf } from '../../lib/pipeline/maxima.ts';
import { type AcceptedLine, LineValidation, type RefusedLine } from '../../lib/pipeline/prepare/line-validation.ts';
import { type AccountLimits, limitsOf } from '../../lib/pipeline/shards/account-limits.ts';
import { bodyWarnings } from '../../lib/providers/body-warnings.ts';
import { type Config, unknownProvider } from '../../lib/providers/config.ts';
import { addDollars, EstimateByModel, Estimator, type LineEstimate } from '../../lib/providers/estimate/estimate.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import type { Route } from '../../lib/providers/routing.ts';
import type { Cost } from '../../lib/records/batch.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { ConfigurationError, InvalidInputError, safeText } from '../../lib/records/errors.ts';
import type { LineError } from '../../lib/records/openai-batch.ts';
import type { BatchOptions } from '../../lib/records/options.ts';

/** Something to say about one line. */
export interface FileFinding {
  severity: 'error' | 'warning';
  /** From 1; null for the file as a whole. */
  line: number | null;
  code: string;
  message: string;
  param: string | null;
}

/** Requests that go to the same place. */
interface Group {
  provider: string;
  model: string;
  endpoint: Endpoint;
  requests: number;
}

export interface FileReport {
  lines: number;
  invalid_lines: number;
  errors: number;
  warnings: number;
  /** Whether a batch of this file would fail before anything is sent. */
  would_fail: boolean;
  /** Why `max_cost_usd` would refuse it; null where it would not. */
  cost_problem: LineError | null;
  endpoint: Endpoint | null;
  groups: Group[];
  estimated_input_tokens: number;
  estimated_output_tokens: number;
  /** Whether no request can write more. */
  is_output_bound: boolean;
  /** What the figures rest on beside the requests' own limits: whole sentences. */
  assumptions: string[];
  estimated_cost: Cost;
}

/** Holds every line of a file against the rules of a batch. Memory holds the custom_ids; findings are handed out. */
export class FileValidation {
  readonly #options: BatchOptions;
  readonly #targets: ReturnType<typeof offlineTargets>;
  readonly #validation: LineValidation;
  readonly #estimates = new EstimateByModel();
  readonly #groups = new Map<string, LineGroup>();
  readonly #counts = { lines: 0, invalid_lines: 0, errors: 0, warnings: 0 };
  #wouldFail = false;

  /** @throws InvalidInputError for a provider that is not configured. */
  constructor(config: Config, options: BatchOptions) {
    const { provider } = options;
    if (provider !== undefined && !Object.hasOwn(config.providers, provider))
      throw new InvalidInputError('invalid_option', unknownProvider(provider, config), { param: 'provider' });
    this.#options = options;
    this.#targets = offlineTargets(config);
    this.#validation = new LineValidation(this.#targets, options);
  }

  async *findings(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileFinding> {
    let bytes = 0;
    const counted = async function* () {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        yield chunk;
      }
    };
    const { head, whole } = await readHead(counted());
    const form = foreignForm(head);
    if (form !== null) return yield this.#fileError('unsupported_file', `The file ${form}.`);
    for await (const lines of splitLines(whole)) for (const line of lines) yield* this.findingsOf(line);
    if (this.#counts.lines === 0)
      yield this.#fileError('empty_file', 'The input file is empty: it has no request lines.');
    yield* this.#aboveMaxima(bytes);
  }

  /** Of one line, or of a row of which none could be made. */
  findingsOf(line: Line | OverlongLine): FileFinding[] {
    this.#counts.lines += 1;
    const outcome = this.#validation.validate(line);
    return 'errors' in outcome ? this.#refuse(outcome) : this.#accept(outcome);
  }

  /** What the deployment would refuse before it reads a line. */
  #aboveMaxima(bytes: number): FileFinding[] {
    try {
      assertWithinMaxima(this.#targets.config, this.#options, bytes);
      assertLinesWithinMaximum(this.#targets.config, this.#counts.lines);
      return [];
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      return [this.#fileError(error.code, error.message, error.param)];
    }
  }

  report(): FileReport {
    const total = this.#estimates.tokens();
    const cost = estimatedCostOf([...this.#groups.values()].flatMap((group) => group.cost()));
    const limit = costLimitOf(this.#targets.config, this.#options);
    const problem = limit === undefined ? null : costProblem(limit, cost, this.#estimates.unboundedModels());
    return {
      ...this.#counts,
      would_fail: this.#wouldFail || problem !== null,
      endpoint: this.#validation.endpoint ?? null,
      cost_problem: problem,
      groups: [...this.#groups.values()].map((group) => group.counts()),
      estimated_input_tokens: total.input,
      estimated_output_tokens: total.output,
      is_output_bound: this.#estimates.isOutputBound,
      assumptions: this.#estimates.assumptions(this.#options),
      estimated_cost: cost,
    };
  }

  #refuse({ errors }: RefusedLine): FileFinding[] {
    this.#counts.invalid_lines += 1;
    this.#counts.errors += errors.length;
    this.#wouldFail ||= !errors.every((error) => this.#mayBeErrorLine(error));
    return errors.map((error) => ({ severity: 'error', ...error, message: safeText(error.message) }));
  }

  #mayBeErrorLine(error: LineError): boolean {
    const { on_invalid_line, on_unknown_model } = this.#options;
    return (error.code === 'model_not_found' ? on_unknown_model : on_invalid_line) === 'error_line';
  }

  #accept({
    request,
    route,
    sentBytes,
    translated,
    keepsBody,
    note,
    warnings: ofTranslation,
  }: AcceptedLine): FileFinding[] {
    const group = this.#groupOf(route, request.endpoint, translated !== null);
    const estimate = group.estimator.estimate(request, sentBytes);
    group.add(estimate, sentBytes);
    this.#estimates.of(route.provider, route.model).add(estimate);
    const found = keepsBody ? bodyWarnings(request) : ofTranslation;
    const warnings = note ? [note, ...found] : found;
    this.#counts.warnings += warnings.length;
    return warnings.map((warning) => ({ severity: 'warning', line: request.lineNumber, ...warning }));
  }

  #groupOf(route: Route, endpoint: Endpoint, isTranslated: boolean): LineGroup {
    const key = JSON.stringify([route.provider, route.model, endpoint, isTranslated]);
    const known = this.#groups.get(key);
    if (known) return known;
    const group = new LineGroup(this.#targets.account(route.provider), { ...route, endpoint }, this.#options);
    this.#groups.set(key, group);
    return group;
  }

  #fileError(code: string, message: string, param: string | null = null): FileFinding {
    this.#counts.errors += 1;
    this.#wouldFail = true;
    return { severity: 'error', line: null, code, message, param };
  }
}

/** Enough for the first lines of most files. */
const headBytes = 256 * 1024;

/** Reads the beginning of a stream, which can be read as a whole all the same. */
async function readHead(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ head: Buffer; whole: AsyncGenerator<Uint8Array> }> {
  const first: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < headBytes) {
    const { value, done } = await chunks.next();
    if (done) break;
    first.push(value);
    bytes += value.length;
  }
  const whole = async function* () {
    yield* first;
    yield* chunks;
  };
  return { head: Buffer.concat(first), whole: whole() };
}

/** An account without its keys: nothing is called. */
type PricedAccount = ReturnType<ReturnType<typeof offlineTargets>['account']>;

/** Requests that would share shards, whose number and size decide whether they go as a batch and so what they cost. */
class LineGroup {
  readonly estimator: Estimator;
  readonly #target: Omit<Group, 'requests'>;
  readonly #limits: AccountLimits;
  #requests = 0;
  /** What goes in batches, and what goes as single calls; null where nothing does. */
  readonly #closed: { batch: Sum | null; single: Sum | null } = { batch: null, single: null };
  #open = { requests: 0, bytes: 0, batchUsd: dollars(0), singleUsd: dollars(0) };

  constructor(account: PricedAccount, target: Omit<Group, 'requests'>, options: BatchOptions) {
    this.estimator = new Estimator(account, target.model, options);
    this.#target = target;
    this.#limits = limitsOf(account);
  }

  add({ batchUsd, singleUsd }: LineEstimate, sentBytes: number): void {
    const { maxRequests, maxBytes, overheadBytes } = this.#limits;
    const bytes = sentBytes + overheadBytes.line;
    const isFull = this.#open.requests >= maxRequests || overheadBytes.batch + this.#open.bytes + bytes > maxBytes;
    if (isFull) this.#close();
    this.#requests += 1;
    this.#open = {
      requests: this.#open.requests + 1,
      bytes: this.#open.bytes + bytes,
      batchUsd: addDollars(this.#open.batchUsd, batchUsd),
      singleUsd: addDollars(this.#open.singleUsd, singleUsd),
    };
  }

  counts(): Group {
    return { ...this.#target, requests: this.#requests };
  }

  /** Whether an account is simulated is not known here. */
  cost(): CostPart[] {
    this.#close();
    const { provider, model } = this.#target;
    const part = { provider, model, isSimulated: false };
    const { batch, single } = this.#closed;
    return [
      ...(batch ? [{ ...part, usd: batch.usd, isSingle: false }] : []),
      ...(single ? [{ ...part, usd: single.usd, isSingle: true }] : []),
    ];
  }

  #close(): void {
    const { requests, batchUsd, singleUsd } = this.#open;
    if (requests === 0) return;
    const isLive = requests < (this.#limits.minRequests ?? 0);
    const way = isLive ? 'single' : 'batch';
    const closed = this.#closed[way];
    this.#closed[way] = { usd: addDollars(closed ? closed.usd : 0, isLive ? singleUsd : batchUsd) };
    this.#open = { requests: 0, bytes: 0, batchUsd: 0, singleUsd: 0 };
  }
}

/** Null dollars where a price is not known. */
interface Sum {
  usd: number | null;
}

/** A sum that may become unknown. */
function dollars(amount: number): number | null {
  return amount;
}

/** The configured providers without their keys: nothing is called. */
function offlineTargets(config: Config) {
  return {
    config,
    account(name: string) {
      const configured = Object.hasOwn(config.providers, name) ? config.providers[name] : undefined;
      if (!configured) throw new ConfigurationError(unknownProvider(name, config));
      return { name, config: configured, provider: providerOf(configured) };
    },
  };
}
