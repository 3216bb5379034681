import { type BatchRecord, maxReportedGroups, type Report } from '../core/batch.ts';
import { embeddingInputs } from '../core/embedding-inputs.ts';
import type { Endpoint } from '../core/endpoints.ts';
import type { Line, OverlongLine } from '../core/jsonl.ts';
import type { LineError } from '../core/request-line.ts';
import type { ShardRecord } from '../core/shard.ts';
import { limitsOf } from './account-limits.ts';
import { costOf } from './cost.ts';
import { estimateUsage, UsageByModel } from './estimate.ts';
import { type AcceptedLine, LineValidation, type RefusedLine } from './line-validation.ts';
import { RefusedLines } from './refused-lines.ts';
import type { Services } from './services.ts';
import { ShardWriter } from './shard-writer.ts';
import { ValidationReport } from './validation-report.ts';

/**
 * Validates the lines of one input in their order, routes them and writes the shards. One pass; memory holds the
 * custom_ids and the buffers of the shards being written.
 */
export class InputValidation {
  readonly #services: Services;
  readonly #batch: BatchRecord;
  readonly #token: string;
  readonly #validation: LineValidation;
  readonly #shards: ShardWriter;
  readonly #estimates = new UsageByModel();
  readonly report: ValidationReport;
  #refused: RefusedLines | undefined;
  #lines = 0;
  #refusedLines = 0;
  #isFailed = false;

  constructor(services: Services, batch: BatchRecord, token: string) {
    this.#services = services;
    this.#batch = batch;
    this.#token = token;
    this.#validation = new LineValidation(services, batch.options);
    this.#shards = new ShardWriter(services.objects, { batchId: batch.id, round: 0, token }, (name) =>
      limitsOf(services.account(name)),
    );
    this.report = new ValidationReport(services.objects, batch.id);
  }

  get lines(): number {
    return this.#lines;
  }

  /** What the batch is for; undefined as long as no line has said it. */
  get endpoint(): Endpoint | undefined {
    return this.#validation.endpoint;
  }

  /** Whether the batch fails: a line is wrong that must not be. */
  get isFailed(): boolean {
    return this.#isFailed;
  }

  async add(line: Line | OverlongLine): Promise<void> {
    const ordinal = this.#lines;
    this.#lines += 1;
    const outcome = this.#validation.validate(line);
    if ('errors' in outcome) await this.#refuse(ordinal, line, outcome);
    else await this.#accept(ordinal, outcome);
  }

  async #accept(ordinal: number, { request, route, translated }: AcceptedLine): Promise<void> {
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

  async #refuse(ordinal: number, line: Line | OverlongLine, refusal: RefusedLine): Promise<void> {
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
