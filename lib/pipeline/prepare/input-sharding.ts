import { z } from 'zod';
import { answerSchemaOf } from '../../lines/answer-schema.ts';
import { CustomIds, type Suspect } from '../../lines/custom-ids.ts';
import { embeddingInputs } from '../../lines/embedding-inputs.ts';
import { isOverlong, type Line, lengthOf, type OverlongLine } from '../../lines/jsonl.ts';
import { bodyWarnings } from '../../providers/body-warnings.ts';
import {
  EstimateByModel,
  type EstimateSum,
  Estimator,
  modelEstimateSchema,
} from '../../providers/estimate/estimate.ts';
import type { Route } from '../../providers/routing.ts';
import { type BatchRecord, maxReportedGroups, maxReportedNotes, type Report } from '../../records/batch.ts';
import { type Endpoint, endpoints } from '../../records/endpoints.ts';
import { InvalidInputError } from '../../records/errors.ts';
import type { LineError } from '../../records/openai-batch.ts';
import { type ShardRecord, shardRecordSchema } from '../../records/shard.ts';
import { allOf, type PendingWrite } from '../../store/pending-writes.ts';
import { type CostPart, estimatedCostOf, isSimulated } from '../cost.ts';
import { assertLinesWithinMaximum } from '../maxima.ts';
import type { Services } from '../services.ts';
import { limitsOf } from '../shards/account-limits.ts';
import { type ShardQueue, ShardWriter } from '../shards/shard-writer.ts';
import { makeLiveIfSmall } from '../shards/small-shards.ts';
import { writtenLines } from '../shards/written-lines.ts';
import { LineIssues, lineIssuesStateSchema } from './line-issues.ts';
import { type AcceptedLine, LineValidation, type RefusedLine } from './line-validation.ts';
import { RefusedLines } from './refused-lines.ts';

/** What earlier runs have found in the lines before the one where the next run begins. */
export const validationStateSchema = z.object({
  lines: z.number().int(),
  refusedLines: z.number().int(),
  isFailed: z.boolean(),
  seen: z.object({ urlEndpoint: z.enum(endpoints).nullable(), hasNativeLines: z.boolean() }),
  estimates: z.array(modelEstimateSchema),
  shards: z.array(shardRecordSchema),
  /** The shards of refused lines, one for each run that met some. */
  refused: z.array(shardRecordSchema),
  report: lineIssuesStateSchema,
  routingNotes: z.array(z.string()).default([]),
});
export type ValidationState = z.infer<typeof validationStateSchema>;

/** Each is looked at by every Poll. 10,000 full ones are 500 million requests at OpenAI. */
const maxShards = 10_000;

function tooManyShards(): InvalidInputError {
  const message = `The input needs more than ${maxShards} provider batches, which is the most that are run for one batch. Split it, or use fewer models.`;
  return new InvalidInputError('too_many_shards', message);
}

type ValidationServices = Pick<Services, 'config' | 'objects' | 'account' | 'now'>;

/**
 * Validates the lines of one input in their order, routes them and writes the shards. One pass, by one run or by several
 * that follow each other; memory holds a hash of each custom_id and the buffers of the shards being written.
 */
export class InputSharding {
  readonly #services: ValidationServices;
  readonly #batch: Pick<BatchRecord, 'id' | 'options'>;
  readonly #token: string;
  readonly #validation: LineValidation;
  readonly #shards: ShardWriter;
  readonly #estimates = new EstimateByModel();
  readonly #customIds: CustomIds;
  /** Those of a model: one, or a few where its lines have different endpoints or forms. */
  readonly #destinations = new WeakMap<Route, Destination[]>();
  #latest: Destination | undefined;
  readonly issues: LineIssues;
  /** Only then is there time to look into bodies that go as they are. */
  readonly #isDryRun: boolean;
  #refused: RefusedLines | undefined;
  readonly #earlierRefused: readonly ShardRecord[];
  readonly #routingNotes: Set<string>;
  #lines = 0;
  #refusedLines = 0;
  #isFailed = false;

  /**
   * @param token the run's own.
   * @param earlier where it goes on; without it, at the first line.
   */
  constructor(
    services: ValidationServices,
    batch: Pick<BatchRecord, 'id' | 'options'>,
    token: string,
    earlier: { customIds: CustomIds; validation: ValidationState | null } = noEarlierRun(),
  ) {
    const { customIds, validation: state } = earlier;
    this.#customIds = customIds;
    this.#services = services;
    this.#batch = batch;
    this.#token = token;
    this.#isDryRun = batch.options.dry_run;
    this.#validation = new LineValidation(services, batch.options, this.#customIds);
    this.#shards = new ShardWriter(
      services.objects,
      { batchId: batch.id, round: 0, token },
      (name) => limitsOf(services.account(name)),
      {
        shards: state?.shards ?? [],
        linesOf: (shard) =>
          writtenLines(services.objects, services.account(shard.provider ?? ''), batch.options, shard),
      },
    );
    this.issues = new LineIssues(services.objects, batch.id, token, state?.report);
    this.#earlierRefused = state?.refused ?? [];
    this.#routingNotes = new Set(state?.routingNotes);
    this.#lines = state?.lines ?? 0;
    this.#refusedLines = state?.refusedLines ?? 0;
    this.#isFailed = state?.isFailed ?? false;
    if (state) this.#validation.resume(state.seen);
    for (const earlier of state?.estimates ?? []) this.#estimates.of(earlier.provider, earlier.model).resume(earlier);
  }

  get lines(): number {
    return this.#lines;
  }

  /** Whether any line was a request that may be sent. */
  get hasRequests(): boolean {
    return this.#lines > this.#refusedLines;
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

  /**
   * @param lines those of one chunk.
   * @throws InvalidInputError as soon as there are more lines or shards than there may be.
   */
  async add(lines: readonly (Line | OverlongLine)[]): Promise<void> {
    for (const line of lines) {
      const pending = this.#addLine(line);
      if (pending) await pending;
      if (this.#shards.begun > maxShards) throw tooManyShards();
    }
    assertLinesWithinMaximum(this.#services.config, this.#lines);
  }

  #addLine(line: Line | OverlongLine): PendingWrite {
    const ordinal = this.#lines;
    this.#lines += 1;
    const outcome = this.#validation.validate(line);
    if ('errors' in outcome) return this.#refuse(ordinal, line, outcome);
    return isOverlong(line) ? undefined : this.#accept(ordinal, line, outcome);
  }

  #accept(ordinal: number, line: Line, accepted: AcceptedLine): PendingWrite {
    const { request, translated, sentBytes } = accepted;
    const found = this.#isDryRun && accepted.keepsBody ? bodyWarnings(request) : accepted.warnings;
    const warnings = accepted.note ? [accepted.note, ...found] : found;
    const placement = this.#placementOf(accepted);
    const estimate = placement.estimator.estimate(request, sentBytes);
    placement.sum.add(estimate);
    const { lineNumber, customId, format, spans } = request;
    const reported = warnings.length > 0 ? this.issues.addWarnings(lineNumber, customId, warnings) : undefined;
    if (this.#isFailed) return reported;
    const entry = { ordinal, lineNumber, byteLength: lengthOf(line), format, spans, customId };
    const placed = {
      entry,
      line,
      translated,
      sentBytes,
      estimate,
      embeddingInputs: embeddingInputs(request),
      asksForSchema: answerSchemaOf(request.body) !== null,
    };
    return allOf(reported, this.#shards.add(placement.queue, placed));
  }

  /** Lines share shards where model, endpoint and whether they are translated are the same. */
  #placementOf(accepted: AcceptedLine): Destination {
    const { route } = accepted;
    if (this.#latest && takesLine(this.#latest, accepted)) return this.#latest;
    const known = this.#destinations.get(route) ?? [];
    const found = known.find((placement) => takesLine(placement, accepted));
    const placement = found ?? this.#newPlacement(accepted);
    if (!found) this.#destinations.set(route, [...known, placement]);
    this.#latest = placement;
    return placement;
  }

  #newPlacement({ request, route, translated, shared, note }: AcceptedLine): Destination {
    if (note && this.#routingNotes.size < maxReportedNotes) this.#routingNotes.add(note.message);
    const { provider, model } = route;
    const target = { provider, model, endpoint: request.endpoint, isTranslated: translated !== null, shared };
    return {
      route,
      queue: this.#shards.queue(target),
      sum: this.#estimates.of(provider, model),
      estimator: this.#estimatorOf(provider, model),
    };
  }

  #estimatorOf(provider: string, model: string): Estimator {
    return new Estimator(this.#services.account(provider), model, this.#batch.options);
  }

  async #refuse(ordinal: number, line: Line | OverlongLine, refusal: RefusedLine): Promise<void> {
    await this.issues.addErrors(refusal.errors);
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
    const written = await this.#shards.finish();
    const shards = written.map((shard) => makeLiveIfSmall(shard, (name) => this.#services.account(name)));
    const report = this.#describe(shards);
    const refused = await this.#finishRefused(shards.length);
    await this.issues.close();
    return { shards: [...shards, ...refused], report };
  }

  /** Ends this run's objects for another run to go on behind the last line that was added. */
  async checkpoint(): Promise<ValidationState> {
    const shards = await this.#shards.finish();
    return {
      lines: this.#lines,
      refusedLines: this.#refusedLines,
      isFailed: this.#isFailed,
      seen: this.#validation.seen,
      estimates: this.#estimates.list(),
      shards,
      refused: await this.#finishRefused(shards.length),
      report: await this.issues.checkpoint(),
      routingNotes: [...this.#routingNotes],
    };
  }

  /** @param from their first place in the round. */
  async #finishRefused(from: number): Promise<ShardRecord[]> {
    const latest = await this.#refused?.finish(from);
    const all = latest ? [...this.#earlierRefused, latest] : this.#earlierRefused;
    return all.map((shard, place) => ({ ...shard, set: this.#token, shard: from + place }));
  }

  /** Ends a validation that failed: the shards are given up, the report is kept. */
  async fail(): Promise<Report> {
    await this.#giveUpShards();
    await this.issues.close();
    return this.#describe([]);
  }

  async abort(): Promise<void> {
    await Promise.all([this.#giveUpShards(), this.issues.abort()]);
  }

  async #giveUpShards(): Promise<void> {
    await Promise.all([this.#shards.abort(), this.#refused?.abort()]);
  }

  /** Models of which requests have no limit on their output at all. */
  unboundedModels(): string[] {
    return this.#estimates.unboundedModels();
  }

  /** Shards know which way they go, and so at which price; without shards all count as batches. */
  #costParts(shards: readonly ShardRecord[]): CostPart[] {
    const isOfSimulator = (provider: string) => isSimulated(this.#services, provider);
    if (shards.length === 0)
      return this.#estimates.list().map(({ provider, model, batchUsd }) => {
        return { provider, model, usd: batchUsd, isSingle: false, isSimulated: isOfSimulator(provider) };
      });
    return shards.flatMap(({ provider, model, estimatedUsd = null, live }) => {
      if (provider === null) return [];
      const ways = { isSingle: live !== null, isSimulated: isOfSimulator(provider) };
      return [{ provider, model, usd: estimatedUsd, ...ways }];
    });
  }

  #describe(shards: readonly ShardRecord[]): Report {
    const total = this.#estimates.tokens();
    return {
      lines: this.#lines,
      invalidLines: this.#refusedLines,
      warnings: this.issues.warningCount,
      shards: groupsOf(shards),
      estimatedInputTokens: total.input,
      estimatedOutputTokens: total.output,
      estimatedCost: estimatedCostOf(this.#costParts(shards)),
      isOutputBound: this.#estimates.isOutputBound,
      assumptions: this.#estimates.assumptions(this.#batch.options),
      routingNotes: [...this.#routingNotes],
    };
  }
}

function noEarlierRun(): { customIds: CustomIds; validation: null } {
  return { customIds: new CustomIds(), validation: null };
}

/** What the lines of one model and endpoint have in common. */
interface Destination {
  route: Route;
  queue: ShardQueue;
  sum: EstimateSum;
  estimator: Estimator;
}

function takesLine({ route, queue: { target } }: Destination, line: AcceptedLine): boolean {
  return (
    route === line.route &&
    target.endpoint === line.request.endpoint &&
    target.isTranslated === (line.translated !== null) &&
    target.shared === line.shared
  );
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
