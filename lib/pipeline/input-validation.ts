import { type BatchRecord, maxReportedGroups, type Report } from '../core/batch.ts';
import { CustomIds, type Suspect } from '../core/custom-ids.ts';
import { embeddingInputs } from '../core/embedding-inputs.ts';
import type { Endpoint } from '../core/endpoints.ts';
import { isOverlong, type Line, lengthOf, type OverlongLine } from '../core/jsonl.ts';
import type { LineError } from '../core/request-line.ts';
import type { Route } from '../core/routing.ts';
import type { ShardRecord } from '../core/shard.ts';
import { allOf, type PendingWrite } from '../store/pending-writes.ts';
import { limitsOf } from './account-limits.ts';
import { costOf } from './cost.ts';
import { estimateUsage, type TokenSum, UsageByModel } from './estimate.ts';
import { type AcceptedLine, LineValidation, type RefusedLine } from './line-validation.ts';
import { RefusedLines } from './refused-lines.ts';
import type { Services } from './services.ts';
import { type ShardQueue, ShardWriter } from './shard-writer.ts';
import { ValidationReport } from './validation-report.ts';

type ValidationServices = Pick<Services, 'config' | 'objects' | 'account'>;

/**
 * Validates the lines of one input in their order, routes them and writes the shards. One pass; memory holds a
 * hash of each custom_id and the buffers of the shards being written.
 */
export class InputValidation {
  readonly #services: ValidationServices;
  readonly #batch: Pick<BatchRecord, 'id' | 'options'>;
  readonly #token: string;
  readonly #validation: LineValidation;
  readonly #shards: ShardWriter;
  readonly #estimates = new UsageByModel();
  readonly #customIds = new CustomIds();
  readonly #passed = new WeakMap<Route, Placement>();
  readonly #translated = new WeakMap<Route, Placement>();
  #latest: Placement | undefined;
  readonly report: ValidationReport;
  #refused: RefusedLines | undefined;
  #lines = 0;
  #refusedLines = 0;
  #isFailed = false;

  constructor(services: ValidationServices, batch: Pick<BatchRecord, 'id' | 'options'>, token: string) {
    this.#services = services;
    this.#batch = batch;
    this.#token = token;
    this.#validation = new LineValidation(services, batch.options, this.#customIds);
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

  /** Custom_ids that seem to stand on two lines; to be confirmed before anything is made of it. */
  get suspects(): readonly Suspect[] {
    return this.#customIds.suspects;
  }

  /** @param lines those of one chunk. */
  async add(lines: readonly (Line | OverlongLine)[]): Promise<void> {
    for (const line of lines) {
      const pending = this.#addLine(line);
      if (pending) await pending;
    }
  }

  #addLine(line: Line | OverlongLine): PendingWrite {
    const ordinal = this.#lines;
    this.#lines += 1;
    const outcome = this.#validation.validate(line);
    if ('errors' in outcome) return this.#refuse(ordinal, line, outcome);
    return isOverlong(line) ? undefined : this.#accept(ordinal, line, outcome);
  }

  #accept(ordinal: number, line: Line, accepted: AcceptedLine): PendingWrite {
    const { request, warnings, translated, sentBytes } = accepted;
    const placement = this.#placementOf(accepted);
    placement.tokens.add(estimateUsage(request, sentBytes));
    const { lineNumber, customId, format, spans } = request;
    const reported = warnings.length > 0 ? this.report.addWarnings(lineNumber, customId, warnings) : undefined;
    if (this.#isFailed) return reported;
    const entry = { ordinal, lineNumber, byteLength: lengthOf(line), format, spans, customId };
    const placed = { entry, line, translated, sentBytes, embeddingInputs: embeddingInputs(request) };
    return allOf(reported, this.#shards.add(placement.queue, placed));
  }

  /** A batch has one endpoint, so a model and whether it is translated decide. */
  #placementOf({ request, route, translated }: AcceptedLine): Placement {
    const isTranslated = translated !== null;
    const latest = this.#latest;
    if (latest?.route === route && latest.queue.target.isTranslated === isTranslated) return latest;
    const placements = isTranslated ? this.#translated : this.#passed;
    const { provider, model } = route;
    const placement = placements.get(route) ?? {
      route,
      queue: this.#shards.queue({ provider, model, endpoint: request.endpoint, isTranslated }),
      tokens: this.#estimates.of(provider, model),
    };
    placements.set(route, placement);
    this.#latest = placement;
    return placement;
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

/** What the lines of one model have in common. */
interface Placement {
  route: Route;
  queue: ShardQueue;
  tokens: TokenSum;
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
