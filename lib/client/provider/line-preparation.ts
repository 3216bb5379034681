import { embeddingInputs } from '../../lines/embedding-inputs.ts';
import { type Line, type OverlongLine, splitLines } from '../../lines/jsonl.ts';
import { parseRequestLine, type RequestLine } from '../../lines/request-line.ts';
import type { AccountSettings } from '../../providers/account.ts';
import { bodyWarnings } from '../../providers/body-warnings.ts';
import type { Provider, Warning } from '../../providers/contract.ts';
import { tierProblem } from '../../providers/service-tier.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { InvalidInputError } from '../../records/errors.ts';
import type { JsonObject } from '../../records/json.ts';
import type { LineError } from '../../records/openai-batch.ts';
import type { LineWarning } from '../batch.ts';
import type { CheckedRequest } from '../creation-steps.ts';
import { NotSupportedError } from '../errors.ts';
import { maxEncodedBytes, sendableId } from './custom-id.ts';

export interface PreparationOptions {
  endpoint: Endpoint | undefined;
  /** Refuse what would be a warning. */
  strict: boolean;
  /** Called for every warning, beyond those that are listed. */
  onWarning?: ((warning: LineWarning) => void) | undefined;
  /** Called for every good request, with its model and its length as the provider gets it. */
  onRequest?: (request: RequestLine, model: string, sentBytes: number) => void;
}

/** Errors and warnings that are given back; all are counted. */
export const maxListed = 100;

const newline = Buffer.from('\n');

/**
 * Checks the requests of one batch and makes the provider's lines of them, one by one. Memory holds the custom_ids.
 */
export class LinePreparation {
  readonly #provider: Provider;
  readonly #config: AccountSettings;
  readonly #options: PreparationOptions;
  readonly #lineOfCustomId = new Map<string, number>();
  readonly #errors: LineError[] = [];
  #errorCount = 0;
  #endpoint: Endpoint | undefined;
  #model: string | undefined;
  #shared: JsonObject | null | undefined;
  #bytes: number;
  #embeddingInputs = 0;
  lineCount = 0;
  readonly warnings: LineWarning[] = [];
  warningCount = 0;

  constructor(provider: Provider, config: AccountSettings, options: PreparationOptions) {
    this.#provider = provider;
    this.#config = config;
    this.#options = options;
    this.#endpoint = options.endpoint;
    this.#bytes = provider.limits.overheadBytes.batch;
  }

  /** What the batch is for: the option, else what the first line says. */
  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** The first line's model, as the provider calls it. */
  get model(): string {
    return this.#model ?? '';
  }

  /** What the first line says for the whole batch, and so all others. */
  get shared(): JsonObject | null {
    return this.#shared ?? null;
  }

  /**
   * The lines as the provider takes them, each with a newline.
   *
   * @throws InvalidInputError at the end, with every error of every line; at once where the batch becomes too large.
   * @throws NotSupportedError where the provider has no batches for the endpoint.
   */
  async *lines(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    for await (const lines of splitLines(input)) {
      for (const line of lines) {
        const prepared = this.#prepare(line);
        if (prepared) yield Buffer.concat([prepared, newline]);
      }
    }
    this.#assertValid();
  }

  #prepare(line: Line | OverlongLine): Buffer | null {
    const parsed = parseRequestLine(line, this.#endpoint, this.#options.endpoint !== undefined);
    if (!parsed.ok) return this.#refuse(parsed.errors);
    const { request } = parsed;
    this.#endpoint ??= this.#supported(request.endpoint);
    if (request.endpoint !== this.#endpoint) return this.#refuse([otherEndpoint(request, this.#endpoint)]);
    const sentId = sendableId(request.customId, this.#provider.direct.customIds);
    if (sentId === null) return this.#refuse([unsendableId(request)]);
    const problem = this.#duplicateOf(request);
    if (problem) return this.#refuse([problem]);
    return this.#translate(request, sentId);
  }

  #translate(request: RequestLine, lineId: string): Buffer | null {
    const model = bareModel(this.#provider, request.model);
    const problem = tierProblem(request, this.#provider) ?? this.#sharedProblem(request);
    if (problem) return this.#refuse([{ ...problem, line: request.lineNumber }]);
    const translated = this.#provider.translateRequest(request, { lineId, model });
    if (!translated.ok) return this.#refuse([{ ...translated.error, line: request.lineNumber }]);
    const mismatch = this.#modelMismatch(request, model);
    if (mismatch) return this.#refuse([mismatch]);
    const refused = this.#options.strict ? translated.warnings : [];
    if (refused.length > 0) return this.#refuse(refused.map((warning) => strictError(warning, request.lineNumber)));
    const passed = this.#provider.passesThrough(request) ? bodyWarnings(request) : [];
    for (const warning of [...translated.warnings, ...passed]) this.warn({ ...warning, line: request.lineNumber });
    this.#count(request, translated.bytes.length);
    this.#options.onRequest?.(request, model, translated.bytes.length);
    return translated.bytes;
  }

  warn(warning: LineWarning): void {
    this.warningCount += 1;
    this.#options.onWarning?.(warning);
    if (this.warnings.length < maxListed) this.warnings.push(warning);
  }

  #refuse(errors: readonly LineError[]): null {
    this.#errorCount += errors.length;
    for (const error of errors) if (this.#errors.length < maxListed) this.#errors.push(error);
    return null;
  }

  #supported(endpoint: Endpoint): Endpoint {
    assertSupported(this.#provider, endpoint);
    return endpoint;
  }

  #duplicateOf({ customId, lineNumber }: RequestLine): LineError | null {
    const earlier = this.#lineOfCustomId.get(customId);
    if (earlier === undefined) {
      this.#lineOfCustomId.set(customId, lineNumber);
      return null;
    }
    const message = `The custom_id '${customId}' of line ${lineNumber} was already used on line ${earlier}; each must be unique.`;
    return { code: 'duplicate_custom_id', message, param: 'custom_id', line: lineNumber };
  }

  #modelMismatch(request: RequestLine, model: string): LineError | null {
    this.#model ??= model;
    if (this.#provider.direct.mixesModels || model === this.#model) return null;
    const message = `A batch of ${this.#provider.kind} has one model, but this line names '${model}' where the first names '${this.#model}'. ${deploymentHint}`;
    return { code: 'model_mismatch', message, param: 'body.model', line: request.lineNumber };
  }

  #sharedProblem(request: RequestLine): Omit<LineError, 'line'> | null {
    const sharing = this.#provider.sharedOf?.(request, this.#config) ?? { ok: true, shared: null };
    if (!sharing.ok) return sharing.error;
    if (this.#shared === undefined) this.#shared = sharing.shared;
    const [mine, first] = [sharing.shared, this.#shared].map((members) => JSON.stringify(members));
    if (mine === first) return null;
    const message = `This line says ${mine} for its whole batch, and an earlier one ${first}. ${deploymentHint}`;
    return { code: 'shared_mismatch', message, param: null };
  }

  #count(request: RequestLine, byteLength: number): void {
    const { kind, limits } = this.#provider;
    this.lineCount += 1;
    this.#bytes += byteLength + limits.overheadBytes.line;
    this.#embeddingInputs += embeddingInputs(request);
    if (this.lineCount > limits.maxRequests)
      throw tooLarge(`${kind} takes at most ${limits.maxRequests} requests in a batch`);
    if (this.#bytes > limits.maxBytes) throw tooLarge(`${kind} takes at most ${limits.maxBytes} bytes in a batch`);
    if (limits.maxEmbeddingInputs !== null && this.#embeddingInputs > limits.maxEmbeddingInputs)
      throw tooLarge(`${kind} takes at most ${limits.maxEmbeddingInputs} embedding inputs in a batch`);
  }

  #assertValid(): void {
    const [first] = this.#errors;
    if (first) throw invalidLines(first, this.#errors, this.#errorCount);
    if (this.lineCount === 0) throw emptyInput();
  }
}

/** `openai/gpt-4o` is `gpt-4o` to OpenAI. */
function bareModel({ kind }: Provider, model: string): string {
  const prefix = `${kind}/`;
  return model.startsWith(prefix) ? model.slice(prefix.length) : model;
}

/** Checks one request by itself, as the lines of a batch are checked. */
export function checkedLine(
  provider: Provider,
  config: AccountSettings,
  bytes: Buffer,
  endpoint: Endpoint,
): CheckedRequest | LineError {
  const parsed = parseRequestLine({ bytes, lineNumber: 1 }, endpoint);
  if (!parsed.ok) return firstOf(parsed.errors);
  const { request } = parsed;
  if (!provider.endpoints.includes(endpoint)) return unsupportedLine(provider, endpoint);
  const problem = tierProblem(request, provider) ?? sharedOfOneProblem(provider, config, request);
  if (problem) return { ...problem, line: 1 };
  const model = bareModel(provider, request.model);
  const translated = provider.translateRequest(request, { lineId: request.customId, model });
  if (!translated.ok) return { ...translated.error, line: 1 };
  return { request, model, sentBytes: translated.bytes.length + provider.limits.overheadBytes.line };
}

/** Requests that are gathered meet in one batch, so none can speak for all. */
function sharedOfOneProblem(
  provider: Provider,
  config: AccountSettings,
  request: RequestLine,
): Omit<LineError, 'line'> | null {
  const sharing = provider.sharedOf?.(request, config);
  if (!sharing) return null;
  if (!sharing.ok) return sharing.error;
  if (sharing.shared === null) return null;
  const message = `This request says ${JSON.stringify(sharing.shared)} for its whole batch, which it shares with others here: say it in the account.`;
  return { code: 'unsupported_parameter', message, param: null };
}

/** What is told of a line alone. */
export function firstOf(errors: readonly LineError[]): LineError {
  return errors[0] ?? { code: 'invalid_request', message: 'The request is wrong.', param: null, line: 1 };
}

function unsupportedLine(provider: Provider, endpoint: Endpoint): LineError {
  const message = `${provider.kind} has no batches for ${endpoint}; it takes ${provider.endpoints.join(', ')}.`;
  return { code: 'unknown_endpoint', message, param: null, line: 1 };
}

/** @throws NotSupportedError that names what the provider has. */
export function assertSupported(provider: Provider, endpoint: Endpoint): void {
  if (!provider.endpoints.includes(endpoint)) throw new NotSupportedError(unsupportedLine(provider, endpoint).message);
}

export function emptyInput(): InvalidInputError {
  return new InvalidInputError('empty_file', 'The input holds no request.', { param: 'input' });
}

const deploymentHint =
  "Split the input, or send it to a Batchdrop deployment ({deployment: 'https://...'}), which splits it by itself.";

function tooLarge(what: string): InvalidInputError {
  return new InvalidInputError('batch_too_large', `${what}, and the input holds more. ${deploymentHint}`, {
    param: 'input',
  });
}

function unsendableId({ customId, lineNumber }: RequestLine): LineError {
  const message = `The custom_id '${customId}' cannot travel through this provider: it takes up to 64 characters of a-z, A-Z, 0-9, _ and -, or any characters up to ${maxEncodedBytes} bytes of UTF-8, which are encoded. Shorten it, or send the batch to a Batchdrop deployment, which takes up to 512 bytes.`;
  return { code: 'invalid_custom_id', message, param: 'custom_id', line: lineNumber };
}

function otherEndpoint(request: RequestLine, endpoint: Endpoint): LineError {
  const message = `This line is for ${request.endpoint}, and the batch for ${endpoint}; one batch at a provider has one endpoint. ${deploymentHint}`;
  return { code: 'invalid_url', message, param: null, line: request.lineNumber };
}

/** A warning where warnings are refused. */
export function strictError(warning: Warning, line: number | null): LineError {
  return { code: 'unsupported_parameter', message: `${warning.message} (strict mode)`, param: warning.param, line };
}

/** One error for all the lines that are wrong. */
export function invalidLines(first: LineError, errors: readonly LineError[], count: number): InvalidInputError {
  const others = count > 1 ? ` (and ${count - 1} more, see errors)` : '';
  const place = first.line === null ? '' : `line ${first.line}: `;
  const param = first.param === null ? {} : { param: first.param };
  return new InvalidInputError(first.code, `${place}${first.message}${others}`, { errors, ...param });
}
