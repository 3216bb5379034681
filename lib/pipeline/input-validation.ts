import { type BatchRecord, maxReportedGroups, type Report } from '../core/batch.ts';
import type { Endpoint } from '../core/endpoints.ts';
import { placeholderLineId } from '../core/ids.ts';
import type { Line, OverlongLine } from '../core/jsonl.ts';
import { type LineError, parseRequestLine, type RequestLine } from '../core/request-line.ts';
import { type Route, Router } from '../core/routing.ts';
import type { ShardRecord } from '../core/shard.ts';
import type { ProviderLimits, TranslatedRequest } from '../providers/provider.ts';
import { costOf } from './cost.ts';
import { estimateUsage, UsageByModel } from './estimate.ts';
import { RefusedLines } from './refused-lines.ts';
import type { Account, Services } from './services.ts';
import { ShardWriter } from './shard-writer.ts';
import { ValidationReport } from './validation-report.ts';

/** A request that some provider will take. */
interface Accepted {
  request: RequestLine;
  route: Route;
  translated: Extract<TranslatedRequest, { ok: true }>;
}

interface Refusal {
  errors: LineError[];
  customId: string | null;
  format: RequestLine['format'];
}

/**
 * Validates the lines of one input in their order, routes them and writes the shards. One pass; memory holds the
 * custom_ids and the buffers of the shards being written.
 */
export class InputValidation {
  readonly #services: Services;
  readonly #batch: BatchRecord;
  readonly #token: string;
  readonly #router: Router;
  readonly #shards: ShardWriter;
  readonly #lineOfCustomId = new Map<string, number>();
  readonly #estimates = new UsageByModel();
  readonly report: ValidationReport;
  #refused: RefusedLines | undefined;
  #lines = 0;
  #refusedLines = 0;
  #isFailed = false;
  endpoint: Endpoint | undefined;

  constructor(services: Services, batch: BatchRecord, token: string) {
    this.#services = services;
    this.#batch = batch;
    this.#token = token;
    this.#router = new Router(services.config, batch.options.provider);
    this.#shards = new ShardWriter(services.objects, { batchId: batch.id, round: 0, token }, (name) =>
      limitsOf(services.account(name)),
    );
    this.report = new ValidationReport(services.objects, batch.id);
    this.endpoint = batch.options.endpoint;
  }

  get lines(): number {
    return this.#lines;
  }

  /** Whether the batch fails: a line is wrong that must not be. */
  get isFailed(): boolean {
    return this.#isFailed;
  }

  async add(line: Line | OverlongLine): Promise<void> {
    const ordinal = this.#lines;
    this.#lines += 1;
    const outcome = this.#validate(line);
    if ('errors' in outcome) await this.#refuse(ordinal, line, outcome);
    else await this.#accept(ordinal, outcome);
  }

  #validate(line: Line | OverlongLine): Accepted | Refusal {
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

  #place(request: RequestLine): Accepted | Refusal {
    const refuse = (error: Omit<LineError, 'line'>): Refusal => ({
      errors: [{ ...error, line: request.lineNumber }],
      customId: request.customId,
      format: request.format,
    });
    const route = this.#router.route(request.model);
    if (!route) return refuse(modelNotFound(request));
    const account = this.#services.account(route.provider);
    const translated = account.provider.translateRequest(request, { lineId: placeholderLineId, model: route.model });
    if (!translated.ok) return refuse(translated.error);
    const [warning] = translated.warnings;
    if (warning && this.#batch.options.strict)
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

  async #accept(ordinal: number, { request, route, translated }: Accepted): Promise<void> {
    await this.report.addWarnings(request.lineNumber, request.customId, translated.warnings);
    this.#estimates.add(route.provider, route.model, estimateUsage(request, translated.bytes.length));
    if (this.#isFailed) return;
    await this.#shards.add(
      { provider: route.provider, model: route.model, endpoint: request.endpoint },
      {
        entry: {
          ordinal,
          lineNumber: request.lineNumber,
          byteLength: request.bytes.length,
          format: request.format,
          spans: request.spans,
          customId: request.customId,
        },
        bytes: request.bytes,
        sentBytes: translated.bytes.length,
        embeddingInputs: embeddingInputs(request),
      },
    );
  }

  async #refuse(ordinal: number, line: Line | OverlongLine, refusal: Refusal): Promise<void> {
    await this.report.addErrors(refusal.errors);
    this.#refusedLines += 1;
    const [error] = refusal.errors;
    if (!error || !this.#mayBeErrorLine(refusal.errors)) {
      this.#isFailed = true;
      return;
    }
    if (this.#isFailed) return;
    this.#refused ??= new RefusedLines(this.#services.objects, {
      batchId: this.#batch.id,
      token: this.#token,
      endpoint: this.endpoint ?? '/v1/chat/completions',
    });
    await this.#refused.add({ ordinal, line, format: refusal.format, customId: refusal.customId, error });
  }

  #mayBeErrorLine(errors: readonly LineError[]): boolean {
    const { on_invalid_line, on_unknown_model } = this.#batch.options;
    return errors.every((error) =>
      error.code === 'model_not_found' ? on_unknown_model === 'error_line' : on_invalid_line === 'error_line',
    );
  }

  /** Ends the shards. Only for a batch that goes on. */
  async finish(): Promise<{ shards: ShardRecord[]; report: Report }> {
    const shards = await this.#shards.finish();
    const report = this.#describe(shards);
    const refused = await this.#refused?.finish(shards.length);
    await this.report.close();
    return { shards: refused ? [...shards, refused] : shards, report };
  }

  /** Ends a validation that failed: the shards are given up, the report is kept. */
  async fail(): Promise<Report> {
    await this.#giveUpShards();
    await this.report.close();
    return this.#describe([]);
  }

  async abort(): Promise<void> {
    await Promise.all([this.#giveUpShards(), this.report.abort()]);
  }

  async #giveUpShards(): Promise<void> {
    await Promise.all([this.#shards.abort(), this.#refused?.abort()]);
  }

  #describe(shards: readonly ShardRecord[]): Report {
    const total = this.#estimates.total();
    const parts = this.#estimates.list().map((part) => ({ ...part, account: this.#services.account(part.provider) }));
    return {
      lines: this.#lines,
      invalidLines: this.#refusedLines,
      warnings: this.report.warningCount,
      shards: groupsOf(shards),
      estimatedInputTokens: total.input_tokens,
      estimatedOutputTokens: total.output_tokens,
      estimatedCost: costOf(parts),
    };
  }
}

/** Shards by where they go. */
function groupsOf(shards: readonly ShardRecord[]): Report['shards'] {
  const groups = Map.groupBy(shards, ({ provider, model, endpoint }) => JSON.stringify([provider, model, endpoint]));
  return [...groups.values()].slice(0, maxReportedGroups).flatMap((group) => {
    const [first] = group;
    if (!first || first.provider === null) return [];
    const { provider, model, endpoint } = first;
    const requests = group.reduce((sum, shard) => sum + shard.lineCount, 0);
    const bytes = group.reduce((sum, shard) => sum + shard.bytes, 0);
    return [{ provider, model, endpoint, shards: group.length, requests, bytes }];
  });
}

/** A provider's limits, or the account's own where those are lower. */
export function limitsOf(account: Account): ProviderLimits {
  const { limits } = account.provider;
  const own = account.config.limits;
  return {
    ...limits,
    maxRequests: Math.min(limits.maxRequests, own.maxRequests ?? Number.POSITIVE_INFINITY),
    maxBytes: Math.min(limits.maxBytes, own.maxBytes ?? Number.POSITIVE_INFINITY),
    maxEmbeddingInputs: lower(limits.maxEmbeddingInputs, own.maxEmbeddingInputs),
  };
}

function lower(published: number | null, own: number | undefined): number | null {
  if (own === undefined) return published;
  return published === null ? own : Math.min(published, own);
}

function modelNotFound(request: RequestLine): Omit<LineError, 'line'> {
  const message = `The provided model '${request.model}' is not supported by the Batch API. Name its provider as 'provider/${request.model}', in the batch's provider option, or in batchdrop.config.json.`;
  return { code: 'model_not_found', message, param: request.format === 'openai' ? 'body.model' : 'params.model' };
}

function tooLarge(size: number, limit: number, provider: string): Omit<LineError, 'line'> {
  const message = `This request takes ${size} bytes; a batch of provider '${provider}' holds at most ${limit}.`;
  return { code: 'request_too_large', message, param: null };
}

/** Inputs of an embedding request, which OpenAI limits for a batch as a whole; 0 for any other request. */
export function embeddingInputs(request: RequestLine): number {
  if (request.endpoint !== '/v1/embeddings') return 0;
  const { input } = request.body;
  const isList = Array.isArray(input) && typeof input[0] !== 'number';
  return isList ? input.length : 1;
}
