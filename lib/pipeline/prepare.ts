import { accept, assertEpoch, type BatchRecord, closeAtValidation, withErrors } from '../core/batch.ts';
import {
  ConfigurationError,
  InvalidInputError,
  messageOf,
  ProviderAuthenticationError,
  safeText,
} from '../core/errors.ts';
import { splitLines } from '../core/jsonl.ts';
import type { LineError } from '../core/request-line.ts';
import type { ShardRecord } from '../core/shard.ts';
import { confirmDoubledIds } from './doubled-ids.ts';
import { InputValidation } from './input-validation.ts';
import { readJoined } from './joined-objects.ts';
import { inParallel } from './parallel.ts';
import type { Services, StepContext } from './services.ts';
import { writeStatus } from './status-file.ts';

export interface BatchStep {
  batchId: string;
  epoch: number;
}

export interface PrepareAnswer {
  /** False asks for another run. */
  done: boolean;
  /** Nothing was or will be sent: straight to Finalize. */
  ended: boolean;
}

/**
 * Streams the input once: validates every line, routes it, writes shards; then commits them all by one write. A batch
 * fails here or never.
 */
export async function prepare(services: Services, step: BatchStep, context: StepContext): Promise<PrepareAnswer> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  const isOpen = batch.status === 'validating' && batch.verdict === null;
  const after = isOpen ? await validateAndCommit(services, batch, context) : batch;
  await writeStatus(services, after.id);
  return { done: true, ended: after.rounds.length === 0 };
}

async function validateAndCommit(services: Services, batch: BatchRecord, context: StepContext): Promise<BatchRecord> {
  if (services.now() >= batch.deadlineAt * 1_000) return failBatch(services, batch, [deadlinePassed]);
  const validation = new InputValidation(services, batch, services.token());
  try {
    return await validate(services, batch, validation, context);
  } catch (error) {
    await validation.abort();
    if (error instanceof InvalidInputError)
      return failBatch(services, batch, [batchError(error.code, error.message, error.param)]);
    throw error;
  }
}

const deadlinePassed: LineError = batchError(
  'batch_expired',
  "The batch's deadline passed before its input was validated.",
);

async function validate(
  services: Services,
  batch: BatchRecord,
  validation: InputValidation,
  context: StepContext,
): Promise<BatchRecord> {
  for await (const lines of splitLines(readJoined(services.objects, batch.input))) {
    context.signal.throwIfAborted();
    await validation.add(lines);
  }
  if (validation.lines === 0)
    throw new InvalidInputError('empty_file', 'The input file is empty: it has no request lines.');
  if (validation.suspects.length > 0)
    await confirmDoubledIds(readJoined(services.objects, batch.input), validation.suspects);
  return validation.isFailed
    ? refuseInput(services, batch, validation)
    : acceptInput(services, batch, validation, context);
}

async function refuseInput(services: Services, batch: BatchRecord, validation: InputValidation): Promise<BatchRecord> {
  const report = await validation.fail();
  const { firstErrors, errorCount, warningCount } = validation.report;
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    const errors = withErrors(current, firstErrors, errorCount);
    return closeAtValidation(current, 'failed', {
      ...errors,
      report,
      warningCount,
      endpoint: validation.endpoint ?? null,
    });
  });
}

async function acceptInput(
  services: Services,
  batch: BatchRecord,
  validation: InputValidation,
  context: StepContext,
): Promise<BatchRecord> {
  const { shards, report } = await validation.finish();
  if (shards.length > maxShards) throw tooManyShards(shards.length);
  const { firstErrors, errorCount, warningCount } = validation.report;
  const models = new Set(shards.flatMap((shard) => (shard.provider === null ? [] : [shard.model])));
  const found = (current: BatchRecord): Partial<BatchRecord> => ({
    ...withErrors(current, firstErrors, errorCount),
    endpoint: validation.endpoint ?? null,
    model: models.size === 1 ? ([...models][0] ?? null) : null,
    report,
    warningCount,
  });
  const obstacle = overBudget(batch, report.estimatedCost) ?? (await unreadyProvider(services, shards, context));
  if (obstacle) return failBatch(services, batch, [obstacle], { report, warningCount });
  if (batch.options.dry_run)
    return services.records.updateBatch(batch.id, (current) => {
      assertEpoch(current, batch.epoch);
      return closeAtValidation(current, 'dry_run', found(current));
    });
  await inParallel(10, shards, (shard) => services.records.createShard(shard));
  const total = validation.lines;
  const rounds = [{ token: shards[0]?.set ?? '', shards: shards.length, settled: { completed: 0, failed: 0 } }];
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return accept(current, seconds(services), {
      ...found(current),
      rounds,
      counts: { total, completed: 0, failed: 0 },
    });
  });
}

/** Each is looked at by every Poll. 10,000 full ones are 500 million requests at OpenAI. */
const maxShards = 10_000;

function tooManyShards(count: number): InvalidInputError {
  const message = `The input needs ${count} provider batches; at most ${maxShards} are run for one batch. Split it, or use fewer models.`;
  return new InvalidInputError('too_many_shards', message);
}

function overBudget(batch: BatchRecord, cost: { usd: number | null; unpriced: string[] }): LineError | null {
  const limit = batch.options.max_cost_usd;
  if (limit === undefined) return null;
  if (cost.usd === null)
    return batchError(
      'budget_exceeded',
      `max_cost_usd is ${limit}, but no price is known for ${cost.unpriced.join(', ')}.`,
    );
  if (cost.usd <= limit) return null;
  return batchError(
    'budget_exceeded',
    `The batch is estimated at $${cost.usd.toFixed(2)}, above max_cost_usd ${limit}. Nothing was sent.`,
  );
}

/** Asks each provider, by a free call, whether it takes our key: a wrong one must not cost a day. */
async function unreadyProvider(
  services: Services,
  shards: readonly ShardRecord[],
  context: StepContext,
): Promise<LineError | null> {
  const names = new Set(shards.flatMap((shard) => (shard.provider === null ? [] : [shard.provider])));
  for (const name of names) {
    try {
      await services.account(name).client.check(context.signal);
    } catch (error) {
      if (error instanceof ProviderAuthenticationError) return batchError('provider_authentication', error.message);
      if (error instanceof ConfigurationError) return batchError('provider_not_configured', error.message);
      services.log.warn('A provider could not be checked; its batches will be tried all the same.', {
        provider: name,
        error: safeText(messageOf(error)),
      });
    }
  }
  return null;
}

async function failBatch(
  services: Services,
  batch: BatchRecord,
  errors: LineError[],
  change: Partial<BatchRecord> = {},
): Promise<BatchRecord> {
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return closeAtValidation(current, 'failed', { ...change, ...withErrors(current, errors) });
  });
}

function batchError(code: string, message: string, param: string | null = null): LineError {
  return { code, message: safeText(message), param, line: null };
}

function seconds(services: Services): number {
  return Math.floor(services.now() / 1_000);
}
