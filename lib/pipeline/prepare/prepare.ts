import { foreignForm } from '../../lines/file-form.ts';
import { isBehind, type LinePosition, splitLinesFrom } from '../../lines/jsonl.ts';
import {
  assertEpoch,
  type BatchRecord,
  beginProgress,
  type Cost,
  closeAtValidation,
  nameOf,
  type S3Object,
  type TableInput,
  withErrors,
} from '../../records/batch.ts';
import {
  ConfigurationError,
  InvalidInputError,
  messageOf,
  ProviderAuthenticationError,
  safeText,
} from '../../records/errors.ts';
import type { LineError } from '../../records/openai-batch.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { type Compression, compressionOf } from '../../records/table-kind.ts';
import type { TableBytes } from '../../tables/table-bytes.ts';
import { costProblem } from '../cost-limit.ts';
import { readPartsFrom, resolveParts, tableBytesOf } from '../joined-objects.ts';
import { costLimitOf } from '../maxima.ts';
import { inParallel } from '../parallel.ts';
import { RunBudget } from '../run-budget.ts';
import { type Services, type StepContext, unixSeconds } from '../services.ts';
import { writeStatus } from '../status-file.ts';
import type { BatchStep, PrepareAnswer } from '../step.ts';
import { outputFormatOf } from '../table-input.ts';
import { type PrepareCheckpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { confirmDoubledIds, noConfirmation } from './confirm-doubled-ids.ts';
import { inflateInput } from './inflated-input.ts';
import { InputSharding } from './input-sharding.ts';
import { withLateSidecar } from './late-sidecar.ts';
import { RunningMd5 } from './running-md5.ts';
import type { TableLines } from './table-lines.ts';
import { UnusableCheckpointError } from './unusable-checkpoint.ts';

/**
 * Streams the input once: validates every line, routes it, writes shards; then commits them all by one write. A batch
 * fails here or never. Where custom_ids seem to be doubled, their lines are read once more. A run whose time ends writes a
 * checkpoint, and the next one goes on from there.
 */
export async function prepare(services: Services, step: BatchStep, context: StepContext): Promise<PrepareAnswer> {
  const batch = await services.records.getBatch(step.batchId);
  assertEpoch(batch, step.epoch);
  const isOpen = batch.status === 'validating' && batch.verdict === null;
  const after = isOpen ? await begin(services, batch, context) : batch;
  if (after === null) return { done: false, ended: false };
  await writeStatus(services, after.id);
  return { done: true, ended: after.rounds.length === 0 };
}

/** @returns null where another run is needed. */
async function begin(services: Services, batch: BatchRecord, context: StepContext): Promise<BatchRecord | null> {
  try {
    const current = batch.checkpoint === null ? await withLateSidecar(services, batch) : batch;
    return await validateAndCommit(services, current, context);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return failBatch(services, batch, [batchError(error.code, error.message, error.param)]);
  }
}

/** @returns null where another run is needed. */
async function validateAndCommit(
  services: Services,
  batch: BatchRecord,
  context: StepContext,
): Promise<BatchRecord | null> {
  if (services.now() >= batch.deadlineAt * 1_000) return failBatch(services, batch, [deadlinePassed]);
  const token = services.token();
  const checkpoint = await readCheckpoint(services.objects, batch);
  const validation = new InputSharding(services, batch, token, checkpoint);
  const table = batch.table && (await openTable(services, batch, batch.table, token, checkpoint));
  try {
    const run = { token, checkpoint, validation, table, budget: new RunBudget(context) };
    return await validate(services, batch, run, context);
  } catch (error) {
    await Promise.all([validation.abort(), table?.abort()]);
    if (error instanceof InvalidInputError)
      return failBatch(services, batch, [batchError(error.code, error.message, error.param)], foundIn(validation));
    if (error instanceof UnusableCheckpointError) await nameCheckpoint(services, batch, null);
    throw error;
  }
}

const deadlinePassed: LineError = batchError(
  'batch_expired',
  "The batch's deadline passed before its input was validated.",
);

interface Run {
  token: string;
  /** Where it began. */
  checkpoint: PrepareCheckpoint;
  validation: InputSharding;
  /** Makes the lines of a table; null for an input of requests. */
  table: TableLines | null;
  budget: RunBudget;
}

/** Liquid and the readers of tables are loaded by those who have one. */
async function openTable(
  services: Services,
  batch: BatchRecord,
  table: TableInput,
  token: string,
  checkpoint: PrepareCheckpoint,
): Promise<TableLines> {
  const { TableLines } = await import('./table-lines.ts');
  return TableLines.open(services.objects, batch, table, token, checkpoint.table);
}

async function validate(
  services: Services,
  batch: BatchRecord,
  run: Run,
  context: StepContext,
): Promise<BatchRecord | null> {
  const { validation, checkpoint, budget } = run;
  const given = await resolveParts(services.objects, batch.input);
  const form = compressionOf(nameOf(batch) ?? '');
  if (form !== null && checkpoint.inflated?.isWhole !== true) return inflate(services, batch, run, { ...given, form });
  // What was inflated was compared as it was compressed.
  const { md5: expected, parts } = form === null ? given : { md5: null, parts: checkpoint.inflated?.parts ?? [] };
  const md5 = expected === null ? null : await RunningMd5.resume(checkpoint.md5);
  const { position, isAtEnd } = await readLines(services.objects, parts, md5, run, context);
  const reached = { position, md5: md5?.state ?? null };
  if (!isAtEnd) return leaveToNextRun(services, batch, run, reached);
  if (md5) assertMd5(md5.hex, expected);
  if (!batch.table && !validation.hasRequests) await assertNoForeignForm(services.objects, parts);
  if (validation.lines === 0)
    throw new InvalidInputError(
      'empty_file',
      `The input file is empty: it has no ${batch.table ? 'rows' : 'request lines'}.`,
    );
  const source = tableBytesOf(services.objects, parts);
  const linesFrom = (from: LinePosition) =>
    run.table?.linesAgain(source, from) ?? splitLinesFrom(source.from(from.byteOffset), from);
  const earlier = checkpoint.confirmation ?? noConfirmation;
  const confirmation = await confirmDoubledIds(linesFrom, validation.suspects, earlier, budget);
  if (confirmation) return leaveToNextRun(services, batch, run, { ...reached, confirmation });
  // Once more, where it costs nothing yet: the next run reads the input anew under the options of a sidecar that has come.
  if ((await withLateSidecar(services, batch)) !== batch) {
    await Promise.all([validation.abort(), run.table?.abort()]);
    return null;
  }
  if (run.table) await warnOfChangedColumns(batch, run.table, validation);
  if (validation.isFailed) return refuseInput(services, batch, validation);
  return acceptInput(services, { ...batch, table: (await run.table?.finish()) ?? null }, validation, context);
}

/** Inflates a compressed input, or a part of it, for the runs that come after. */
async function inflate(
  services: Services,
  batch: BatchRecord,
  run: Run,
  { md5: expected, parts, form }: { md5: string | null; parts: readonly S3Object[]; form: Compression },
): Promise<null> {
  const md5 = expected === null ? null : await RunningMd5.resume(null);
  const { token, budget } = run;
  const input = { parts, form, earlier: run.checkpoint.inflated };
  const inflated = await inflateInput(services, batch, { token, budget, md5 }, input);
  if (md5 && inflated.isWhole) assertMd5(md5.hex, expected);
  return leaveToNextRun(services, batch, run, { inflated });
}

/** Reads on until the input or the time ends; some lines at least, so that every run gets further. */
async function readLines(
  objects: Services['objects'],
  parts: readonly S3Object[],
  md5: RunningMd5 | null,
  { validation, table, checkpoint, budget }: Run,
  context: StepContext,
): Promise<{ position: LinePosition; isAtEnd: boolean }> {
  const source = tableBytesOf(objects, parts, (chunks, start) => md5?.follow(chunks, start) ?? chunks);
  let { position } = checkpoint;
  if (md5 && table?.isReadInPlaces && !(await readToEnd(source, md5, budget))) return { position, isAtEnd: false };
  const made = table?.lines(source, position) ?? splitLinesFrom(source.from(position.byteOffset), position);
  for await (const { lines, next } of made) {
    context.signal.throwIfAborted();
    if (isBehind(position, checkpoint.position) && budget.mustStop()) return { position, isAtEnd: false };
    await validation.add(lines);
    position = next;
  }
  return { position, isAtEnd: true };
}

/**
 * Takes the MD5 of a file that is read here and there afterwards.
 *
 * @returns false where another run goes on.
 */
async function readToEnd(source: TableBytes, md5: RunningMd5, budget: RunBudget): Promise<boolean> {
  if (md5.bytes >= source.bytes) return true;
  for await (const chunk of source.from(md5.bytes)) if (chunk.length > 0 && budget.mustStop()) return false;
  return true;
}

/** Says once what a file is of which no line is a request, in place of an error for each of its lines. */
async function assertNoForeignForm(objects: Services['objects'], parts: readonly S3Object[]): Promise<void> {
  const head: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readPartsFrom(objects, parts, 0)) {
    head.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxFormBytes) break;
  }
  const form = foreignForm(Buffer.concat(head));
  if (form !== null) throw new InvalidInputError('unsupported_file', `The input file ${form}.`);
}

/** Enough for the first lines of most files. */
const maxFormBytes = 256 * 1024;

function assertMd5(found: string, expected: string | null): void {
  if (found === expected) return;
  const message = `The file's MD5 is ${found}, but its upload was completed with ${expected}. Upload it again.`;
  throw new InvalidInputError('md5_mismatch', message, { param: 'md5' });
}

/**
 * Writes the next checkpoint. When two runs start from the same checkpoint, only one of them continues; the other's work
 * is never read.
 */
async function leaveToNextRun(
  services: Services,
  batch: BatchRecord,
  { token, validation, table, checkpoint }: Run,
  reached: Partial<PrepareCheckpoint>,
): Promise<null> {
  const state = await validation.checkpoint();
  const rows = (await table?.checkpoint()) ?? null;
  await writeCheckpoint(services.objects, batch.id, token, {
    ...checkpoint,
    ...reached,
    validation: state,
    table: rows,
  });
  await nameCheckpoint(services, batch, token);
  return null;
}

async function nameCheckpoint(services: Services, batch: BatchRecord, token: string | null): Promise<void> {
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    const isNext = current.status === 'validating' && current.checkpoint === batch.checkpoint;
    return isNext ? { ...current, checkpoint: token } : current;
  });
}

/** What is known even of an input that is refused, once one line was read. */
function foundIn(validation: InputSharding): Pick<BatchRecord, 'endpoint'> {
  return { endpoint: validation.endpoint ?? null };
}

/** Only Parquet declares types, and only what it cannot declare is another than before. */
async function warnOfChangedColumns(
  { options, table }: BatchRecord,
  { changedColumns }: TableLines,
  { issues }: InputSharding,
): Promise<void> {
  if (outputFormatOf(options, table?.kind ?? null) !== 'parquet') return;
  for (const { name, change } of changedColumns)
    await issues.addColumnWarning(name, `Column '${name}' ${change} in the results table.`);
}

async function refuseInput(services: Services, batch: BatchRecord, validation: InputSharding): Promise<BatchRecord> {
  const report = await validation.fail();
  const { firstErrors, errorCount, warningCount } = validation.issues;
  return services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    const errors = withErrors(current, firstErrors, errorCount);
    return closeAtValidation(current, 'failed', {
      ...errors,
      report,
      warningCount,
      ...foundIn(validation),
    });
  });
}

async function acceptInput(
  services: Services,
  batch: BatchRecord,
  validation: InputSharding,
  context: StepContext,
): Promise<BatchRecord> {
  const { shards, report } = await validation.finish();
  const { firstErrors, errorCount, warningCount } = validation.issues;
  const models = new Set(shards.flatMap((shard) => (shard.provider === null ? [] : [shard.model])));
  const found = (current: BatchRecord): Partial<BatchRecord> => ({
    ...withErrors(current, firstErrors, errorCount),
    ...foundIn(validation),
    model: models.size === 1 ? ([...models][0] ?? null) : null,
    report,
    warningCount,
    table: batch.table,
  });
  const obstacle =
    overBudget(services, batch, report.estimatedCost, validation.unboundedModels()) ??
    (await unreadyProvider(services, shards, context));
  if (obstacle) return failBatch(services, batch, [obstacle], { report, warningCount, ...foundIn(validation) });
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
    return beginProgress(current, unixSeconds(services), {
      ...found(current),
      rounds,
      counts: { total, completed: 0, failed: 0 },
    });
  });
}

function overBudget(
  services: Services,
  batch: BatchRecord,
  cost: Cost,
  unboundedModels: readonly string[],
): LineError | null {
  const limit = costLimitOf(services.config, batch.options);
  return limit === undefined ? null : costProblem(limit, cost, unboundedModels);
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
      await services.account(name).check(context.signal);
    } catch (error) {
      if (error instanceof ProviderAuthenticationError) return batchError('provider_authentication', error.message);
      if (error instanceof ConfigurationError) return batchError('provider_not_configured', error.message);
      services.log.warn('A provider could not be checked; its batches will be tried all the same.', {
        batchId: shards[0]?.batchId,
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
  return { code, message: safeText(message), param: param === null ? null : safeText(param), line: null };
}
