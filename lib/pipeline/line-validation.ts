import type { Config } from '../core/config.ts';
import type { Endpoint } from '../core/endpoints.ts';
import { placeholderLineId } from '../core/ids.ts';
import type { Line, OverlongLine } from '../core/jsonl.ts';
import type { BatchOptions } from '../core/options.ts';
import { type LineError, parseRequestLine, type RequestLine } from '../core/request-line.ts';
import { type Route, Router } from '../core/routing.ts';
import type { TranslatedRequest } from '../providers/provider.ts';
import { limitsOf } from './account-limits.ts';
import type { Account } from './services.ts';

/** A request that some provider will take. */
export interface AcceptedLine {
  request: RequestLine;
  route: Route;
  translated: Extract<TranslatedRequest, { ok: true }>;
}

export interface RefusedLine {
  errors: LineError[];
  /** Null where the line has none, or one that another line has already. */
  customId: string | null;
  format: RequestLine['format'];
}

/** The configured providers, as far as a line is held against them: nothing is called. */
export interface LineTargets {
  config: Config;
  account(name: string): Pick<Account, 'config' | 'provider'>;
}

/**
 * Every rule for the lines of one input: their form, unique ids, a provider for each, what that provider can take. Lines
 * go in in their order; memory holds the custom_ids.
 */
export class LineValidation {
  readonly #targets: LineTargets;
  readonly #isStrict: boolean;
  readonly #router: Router;
  readonly #lineOfCustomId = new Map<string, number>();
  /** What the batch is for; the first good line decides where the options do not. */
  endpoint: Endpoint | undefined;

  constructor(targets: LineTargets, options: Pick<BatchOptions, 'provider' | 'endpoint' | 'strict'>) {
    this.#targets = targets;
    this.#isStrict = options.strict;
    this.#router = new Router(targets.config, options.provider);
    this.endpoint = options.endpoint;
  }

  validate(line: Line | OverlongLine): AcceptedLine | RefusedLine {
    const parsed = parseRequestLine(line, this.endpoint);
    if (!parsed.ok) {
      const duplicate = this.#duplicateOf(parsed.customId, line.lineNumber);
      const errors = duplicate ? [...parsed.errors, duplicate] : parsed.errors;
      return { errors, customId: duplicate ? null : parsed.customId, format: 'openai' };
    }
    const { request } = parsed;
    this.endpoint ??= request.endpoint;
    const duplicate = this.#duplicateOf(request.customId, line.lineNumber);
    if (duplicate) return { errors: [duplicate], customId: null, format: request.format };
    return this.#place(request);
  }

  #duplicateOf(customId: string | null, lineNumber: number): LineError | null {
    if (customId === null) return null;
    const earlier = this.#lineOfCustomId.get(customId);
    if (earlier === undefined) {
      this.#lineOfCustomId.set(customId, lineNumber);
      return null;
    }
    const message = `The custom_id '${customId}' of line ${lineNumber} was already used on line ${earlier}; each must be unique.`;
    return { code: 'duplicate_custom_id', message, param: 'custom_id', line: lineNumber };
  }

  #place(request: RequestLine): AcceptedLine | RefusedLine {
    const refuse = (error: Omit<LineError, 'line'>): RefusedLine => ({
      errors: [{ ...error, line: request.lineNumber }],
      customId: request.customId,
      format: request.format,
    });
    const route = this.#router.route(request.model);
    if (!route) return refuse(modelNotFound(request));
    const account = this.#targets.account(route.provider);
    const translated = account.provider.translateRequest(request, { lineId: placeholderLineId, model: route.model });
    if (!translated.ok) return refuse(translated.error);
    const [warning] = translated.warnings;
    if (warning && this.#isStrict)
      return refuse({
        code: 'unsupported_parameter',
        message: `${warning.message} (strict mode)`,
        param: warning.param,
      });
    const limits = limitsOf(account);
    const size = limits.overheadBytes.batch + translated.bytes.length + limits.overheadBytes.line;
    if (size > limits.maxBytes) return refuse(tooLarge(size, limits.maxBytes, route.provider));
    return { request, route, translated };
  }
}

function modelNotFound(request: RequestLine): Omit<LineError, 'line'> {
  const message = `The provided model '${request.model}' is not supported by the Batch API. Name its provider as 'provider/${request.model}', in the batch's provider option, or in batchdrop.config.json.`;
  return { code: 'model_not_found', message, param: request.format === 'openai' ? 'body.model' : 'params.model' };
}

function tooLarge(size: number, limit: number, provider: string): Omit<LineError, 'line'> {
  const message = `This request takes ${size} bytes; a batch of provider '${provider}' holds at most ${limit}.`;
  return { code: 'request_too_large', message, param: null };
}
