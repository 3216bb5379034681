import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type BatchPlan, type BatchRecord, batchPlanSchema, batchRecordSchema } from './batch-record.ts';
import { phaseAt, type Timeline, timelineOf } from './batch-timeline.ts';
import { JobGroup } from './job-group.ts';
import { listFolder, readRecord, writeRecord } from './state-store.ts';

/** What reading the input yields: the plan, and the custom_ids for the log of creations. */
export interface PlannedBatch {
  plan: BatchPlan;
  customIds: string[];
}

/** What writing the results yields: the sums that the batch object shows from then on. */
const resultSumsSchema = z.strictObject({
  succeeded: z.number(),
  errored: z.number(),
  unfinished: z.number(),
  inputTokens: z.number(),
  cachedTokens: z.number(),
  outputTokens: z.number(),
  reasoningTokens: z.number(),
  /** Sizes in bytes; null: no such file. */
  outputBytes: z.number().nullable(),
  errorBytes: z.number().nullable(),
});
export type ResultSums = z.infer<typeof resultSumsSchema>;

/** The work on a batch that differs between providers. Both are repeated from the start after a restart. */
export interface BatchWork {
  plan(record: BatchRecord, inputPath: string, signal: AbortSignal): Promise<PlannedBatch>;
  writeResults(record: BatchRecord, plan: BatchPlan, paths: BatchPaths, signal: AbortSignal): Promise<ResultSums>;
}

export interface BatchPaths {
  input: string;
  output: string;
  errors: string;
}

/** A batch as seen at one moment. */
export interface BatchView {
  record: BatchRecord;
  /** Null while the input is still being read. */
  planned: { plan: BatchPlan; timeline: Timeline } | null;
  /** Null until the results are written. */
  sums: ResultSums | null;
}

/** How long a look at a batch waits for work in the background, so that small batches never look late. */
const patienceMs = 250;

/** Keeps every accepted batch on disk, and does its work in the background when a look at it needs it. */
export class BatchLedger {
  readonly #folder: string;
  readonly #work: BatchWork;
  readonly #planning = new JobGroup<BatchPlan>();
  readonly #writing = new JobGroup<ResultSums>();
  readonly #records = new Map<string, BatchRecord>();
  readonly #plans = new Map<string, BatchPlan>();
  readonly #sums = new Map<string, ResultSums>();

  constructor(folder: string, work: BatchWork) {
    this.#folder = folder;
    this.#work = work;
    for (const id of listFolder(folder)) this.#load(id);
    for (const id of this.#records.keys()) this.#planning.runUnattended(id, this.#planJob(id));
  }

  /** Stores a batch; once this returns it is accepted. `placeInput` puts its input at the path it is given. */
  accept(batch: Omit<BatchRecord, 'sequence'>, placeInput: (path: string) => void): BatchRecord {
    const sequence = Math.max(0, ...[...this.#records.values()].map((record) => record.sequence)) + 1;
    const record = { ...batch, sequence };
    mkdirSync(join(this.#folder, record.id), { recursive: true });
    placeInput(this.paths(record.id).input);
    this.#save(record);
    this.#planning.runUnattended(record.id, this.#planJob(record.id));
    return record;
  }

  /** All batches, newest first; the deleted ones included. */
  newestFirst(): BatchRecord[] {
    return [...this.#records.values()].sort((left, right) => right.sequence - left.sequence);
  }

  find(id: string): BatchRecord | undefined {
    return this.#records.get(id);
  }

  /** Looks at a batch now: reads its input and writes its results first, if their time has come. */
  async view(record: BatchRecord): Promise<BatchView> {
    const plan = this.#plans.get(record.id) ?? (await withPatience(this.#plan(record.id)));
    if (plan === undefined) return { record, planned: null, sums: null };
    const timeline = timelineOf(record, plan);
    const hasEnded = phaseAt(record, timeline, plan, Date.now()) === 'ended';
    const sums = hasEnded
      ? (this.#sums.get(record.id) ?? (await withPatience(this.#writeResults(record, plan))))
      : null;
    return { record, planned: { plan, timeline }, sums: sums ?? null };
  }

  /** Null while the batch lives. Waits for its input to be read. */
  async endedAtMs(record: BatchRecord): Promise<number | null> {
    const { endsAtMs } = timelineOf(record, await this.#plan(record.id));
    return endsAtMs !== null && Date.now() >= endsAtMs ? endsAtMs : null;
  }

  /** Whether it ended as a whole, before any of its lines was worked on. Waits for its input to be read. */
  async hasFailed(record: BatchRecord): Promise<boolean> {
    return timelineOf(record, await this.#plan(record.id)).ending === 'failed';
  }

  async customIds(record: BatchRecord): Promise<string[]> {
    await this.#plan(record.id);
    return z.array(z.string()).parse(readRecord(this.#customIdsPath(record.id)));
  }

  /** @returns the batch as it is from now on; cancelling again changes nothing. */
  requestCancel(id: string): BatchRecord {
    const record = this.#recordOf(id);
    return this.#save({ ...record, cancelRequestedAtMs: record.cancelRequestedAtMs ?? Date.now() });
  }

  delete(id: string): void {
    this.#save({ ...this.#recordOf(id), deletedAtMs: Date.now() });
  }

  paths(id: string): BatchPaths {
    const folder = join(this.#folder, id);
    return {
      input: join(folder, 'input.jsonl'),
      output: join(folder, 'output.jsonl'),
      errors: join(folder, 'errors.jsonl'),
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#planning.stop(), this.#writing.stop()]);
  }

  #plan(id: string): Promise<BatchPlan> {
    return this.#planning.run(id, this.#planJob(id));
  }

  #planJob(id: string): (signal: AbortSignal) => Promise<BatchPlan> {
    return async (signal) => {
      const known = this.#plans.get(id);
      if (known !== undefined) return known;
      const record = this.#recordOf(id);
      const { plan, customIds } = await this.#work.plan(record, this.paths(id).input, signal);
      writeRecord(this.#customIdsPath(id), customIds);
      writeRecord(join(this.#folder, id, 'plan.json'), plan);
      this.#plans.set(id, plan);
      return plan;
    };
  }

  #writeResults(record: BatchRecord, plan: BatchPlan): Promise<ResultSums> {
    return this.#writing.run(record.id, async (signal) => {
      const paths = this.paths(record.id);
      const drafts = { input: paths.input, output: `${paths.output}.tmp`, errors: `${paths.errors}.tmp` };
      const sums = await this.#work.writeResults(record, plan, drafts, signal);
      if (sums.outputBytes !== null) renameSync(drafts.output, paths.output);
      if (sums.errorBytes !== null) renameSync(drafts.errors, paths.errors);
      writeRecord(join(this.#folder, record.id, 'sums.json'), sums);
      this.#sums.set(record.id, sums);
      return sums;
    });
  }

  #load(id: string): void {
    const record = readRecord(join(this.#folder, id, 'record.json'));
    if (record === undefined) return; // killed before it was accepted
    this.#records.set(id, batchRecordSchema.parse(record));
    const plan = readRecord(join(this.#folder, id, 'plan.json'));
    if (plan !== undefined) this.#plans.set(id, batchPlanSchema.parse(plan));
    const sums = readRecord(join(this.#folder, id, 'sums.json'));
    if (sums !== undefined) this.#sums.set(id, resultSumsSchema.parse(sums));
  }

  #save(record: BatchRecord): BatchRecord {
    writeRecord(join(this.#folder, record.id, 'record.json'), record);
    this.#records.set(record.id, record);
    return record;
  }

  #recordOf(id: string): BatchRecord {
    const record = this.#records.get(id);
    if (record === undefined) throw new Error(`no batch ${id}`);
    return record;
  }

  #customIdsPath(id: string): string {
    return join(this.#folder, id, 'custom-ids.json');
  }
}

/** The promise's value, or undefined if it takes longer than a client should be kept waiting. */
async function withPatience<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
