import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { z } from 'zod';
import type { Draft } from '../client/creation-steps.ts';
import { ConflictError, InvalidInputError, messageOf } from '../records/errors.ts';
import { parseJson } from '../records/parse-json.ts';

/** A journal that was open could not be written or read: its disk is full, say, or another program holds it. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/** Who works with a run's journal, for a second process that wants to. */
export interface JournalOwner {
  pid: number;
  /** Where it serves; null for a program that sends by itself. */
  url: string | null;
}

/** A process that makes calls for a run. */
export interface Pass {
  id: number;
  /** Passes up to a good end, and the one that repeats them, share it. */
  generation: number;
}

/** Calls that belong to no pass. */
export const noPass: Pass = { id: 0, generation: 0 };

const answerSchema = z.object({
  status: z.number(),
  requestId: z.string().nullable(),
  /** Of ours, where there is no answer of a provider. */
  code: z.string().nullable(),
  answer: z.instanceof(Uint8Array),
});

/** An answer as it is kept. */
export interface KeptAnswer {
  status: number;
  requestId: string | null;
  code: string | null;
  body: Buffer;
}

const requestSchema = z.object({
  id: z.number(),
  callKey: z.string(),
  pass: z.number(),
  generation: z.number(),
  place: z.number().nullable(),
  account: z.string(),
  grouping: z.string(),
  endpoint: z.string(),
  bytes: z.number(),
  waits: z.number(),
  retryCount: z.number(),
  attempts: z.number(),
  batch: z.number().nullable(),
  takenAtMs: z.number(),
  status: z.number().nullable(),
  code: z.string().nullable(),
  deliveredAtMs: z.number().nullable(),
  estimateUsd: z.number().nullable(),
});

/** A request as the journal has it, without its body and its answer. */
export type KeptRequest = z.infer<typeof requestSchema>;

const batchSteps = ['lines', 'uploaded', 'creating', 'created', 'ended'] as const;

const batchSchema = z.object({
  id: z.number(),
  account: z.string(),
  grouping: z.string(),
  endpoint: z.string(),
  step: z.enum(batchSteps),
  draft: z.string().nullable(),
  inputFileId: z.string().nullable(),
  providerBatchId: z.string().nullable(),
  requests: z.number(),
  creatingAtMs: z.number().nullable(),
  createdAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  costUsd: z.number().nullable(),
  liveUsd: z.number().nullable(),
  problem: z.string().nullable(),
});

/** A batch of the journal, and the last step of its creation that was written down. */
export interface KeptBatch extends Omit<z.infer<typeof batchSchema>, 'draft'> {
  draft: Draft | null;
}

/** What is written of a batch step by step. */
export type BatchNote = Partial<
  Pick<
    KeptBatch,
    | 'step'
    | 'draft'
    | 'inputFileId'
    | 'providerBatchId'
    | 'creatingAtMs'
    | 'createdAtMs'
    | 'endedAtMs'
    | 'costUsd'
    | 'liveUsd'
    | 'problem'
  >
>;

/** A request that is new to the journal. */
export interface NewRequest {
  callKey: string;
  pass: Pass;
  /** Its place among the equal requests of its pass; null outside of passes. */
  place: number | null;
  account: string;
  grouping: string;
  endpoint: string;
  body: Buffer;
  retryCount: number;
  /** What it costs at most; null where nobody asked, or knows. */
  estimateUsd: number | null;
  nowMs: number;
}

/** How many requests are in which state. */
export interface JournalCounts {
  waiting: number;
  sent: number;
  answered: number;
  failed: number;
  /** Answers that came and that nobody has fetched. */
  unclaimed: number;
}

const formatVersion = '1';

/** What is counted twice a second while somebody looks stands in an index, since each request takes a page of its own. */
const tables = `
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS passes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, generation INTEGER NOT NULL,
    startedAtMs INTEGER NOT NULL, endedWellAtMs INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, callKey TEXT NOT NULL, pass INTEGER NOT NULL, generation INTEGER NOT NULL,
    place INTEGER, account TEXT NOT NULL, grouping TEXT NOT NULL, endpoint TEXT NOT NULL, bytes INTEGER NOT NULL,
    waits INTEGER NOT NULL, retryCount INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, batch INTEGER, position INTEGER,
    takenAtMs INTEGER NOT NULL, leftAtMs INTEGER, status INTEGER, requestId TEXT, code TEXT,
    answeredAtMs INTEGER, deliveredAtMs INTEGER, estimateUsd REAL, body BLOB, answer BLOB
  ) STRICT;
  CREATE INDEX IF NOT EXISTS undelivered ON requests (callKey, pass, waits) WHERE deliveredAtMs IS NULL;
  CREATE INDEX IF NOT EXISTS delivered ON requests (callKey, pass, deliveredAtMs) WHERE deliveredAtMs IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS places ON requests (generation, callKey, place) WHERE place IS NOT NULL;
  CREATE INDEX IF NOT EXISTS positions ON requests (batch, position) WHERE batch IS NOT NULL;
  CREATE INDEX IF NOT EXISTS counted ON requests (status, waits, batch, deliveredAtMs);
  CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, grouping TEXT NOT NULL, endpoint TEXT NOT NULL, step TEXT NOT NULL,
    draft TEXT, inputFileId TEXT, providerBatchId TEXT, requests INTEGER NOT NULL, creatingAtMs INTEGER, createdAtMs INTEGER,
    endedAtMs INTEGER, costUsd REAL, liveUsd REAL, problem TEXT
  ) STRICT;
`;

const requestColumns = Object.keys(requestSchema.shape).join(', ');

/** How long answers that nobody fetched are kept. */
const unclaimedDays = 30;
/** How long a request stays whose caller went before it was sent. */
const unsentHours = 1;
/** How long an answer that was delivered is there for a repeated call. */
export const deliveredMinutes = 15;

/**
 * The journal of one run: every request before it counts as taken, every batch step by step, every answer when it comes. One
 * process at a time writes it. Its files are readable by their owner only, for prompts are nobody else's business.
 */
export class Journal {
  readonly folder: string;
  readonly #database: DatabaseSync;
  readonly #lock: DatabaseSync | null;
  readonly #statements = new Map<string, StatementSync>();
  /** Ends the transaction of this turn of the event loop. */
  #group: NodeJS.Immediate | undefined;
  /** Told of a group that could not be written, whose callers count as taken already. */
  onFailure: ((error: unknown) => void) | undefined;
  /** Random; no custom_id of another journal begins with it. */
  readonly id: string;

  private constructor(folder: string, database: DatabaseSync, lock: DatabaseSync | null) {
    this.folder = folder;
    this.#database = database;
    this.#lock = lock;
    this.id = this.#identity();
  }

  /**
   * Opens a run's journal, or begins it.
   *
   * @throws ConflictError where another process has it; InvalidInputError where it cannot be written or is damaged.
   */
  static open(folder: string, owner: JournalOwner, nowMs: number): Journal {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const lock = lockedBy(folder, owner);
      try {
        const journal = new Journal(folder, openDatabase(folder), lock);
        journal.#tidy(nowMs);
        return journal;
      } catch (error) {
        lock.close();
        throw error;
      }
    } catch (cause) {
      if (cause instanceof ConflictError) throw cause;
      throw unusable(folder, cause);
    }
  }

  /**
   * Opens a journal that another process may be writing, to look at it.
   *
   * @throws InvalidInputError where there is none.
   */
  static look(folder: string): Journal {
    try {
      readFileSync(join(folder, databaseName));
      const database = new DatabaseSync(join(folder, databaseName), { readOnly: true });
      return new Journal(folder, database, null);
    } catch (cause) {
      throw unusable(folder, cause);
    }
  }

  /** Says who works on the run, once that is known. */
  tellOwner(owner: JournalOwner): void {
    writeOwner(this.folder, owner);
  }

  close(): void {
    try {
      this.#commitGroup();
    } finally {
      this.#database.close();
      this.#lock?.close();
    }
  }

  #identity(): string {
    if (this.#lock) {
      this.#run('INSERT OR IGNORE INTO facts VALUES (?, ?)', 'journal', randomBytes(6).toString('hex'));
      this.#run('INSERT OR IGNORE INTO facts VALUES (?, ?)', 'format', formatVersion);
    }
    const format = this.#fact('format');
    if (format === formatVersion) return this.#fact('journal');
    throw new Error(`it has the format ${format}, and this version of Batchdrop reads ${formatVersion}`);
  }

  #fact(name: string): string {
    return factSchema.parse(this.#get('SELECT value FROM facts WHERE name = ?', name)).value;
  }

  /** After a start nobody waits; what was not begun to be created is free again, and what is old goes. */
  #tidy(nowMs: number): void {
    this.together(() => {
      this.#run('UPDATE requests SET waits = 0, leftAtMs = COALESCE(leftAtMs, ?) WHERE waits = 1', nowMs);
      for (const { id, step } of this.openBatches()) if (step === 'lines' || step === 'uploaded') this.dissolve(id);
    });
    this.forgetOld(nowMs);
  }

  /** Removes what was delivered and cannot be asked for again, what nobody fetched in 30 days, and what was never sent. */
  forgetOld(nowMs: number): void {
    const current = this.#currentGeneration();
    this.together(() => {
      this.#run(
        'DELETE FROM requests WHERE batch IS NULL AND status IS NULL AND waits = 0 AND leftAtMs < ?',
        nowMs - unsentHours * 3_600_000,
      );
      this.#forgetDelivered(nowMs - deliveredMinutes * 60_000, current);
      this.#run(
        'DELETE FROM requests WHERE status IS NOT NULL AND waits = 0 AND answeredAtMs < ?',
        nowMs - unclaimedDays * 86_400_000,
      );
    });
  }

  /** They still count. */
  #forgetDelivered(beforeMs: number, generation: number): void {
    const isOld = 'deliveredAtMs < ? AND (pass = 0 OR generation < ?)';
    const counts = `SELECT COALESCE(SUM(status < 400), 0) AS answered, COALESCE(SUM(status >= 400), 0) AS failed FROM requests WHERE ${isOld}`;
    const { answered, failed } = forgottenSchema.parse(this.#get(counts, beforeMs, generation));
    if (answered + failed === 0) return;
    const add =
      'INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + ?2';
    this.#run(add, 'answered', String(answered));
    this.#run(add, 'failed', String(failed));
    this.#run(`DELETE FROM requests WHERE ${isOld}`, beforeMs, generation);
  }

  /**
   * Does what may be lost with the process, since its callers are lost as well: claims, and notes that a caller has gone or was
   * answered. All of one turn of the event loop is one transaction, which costs a tenth of as many.
   */
  grouped<Result>(work: () => Result): Result {
    if (!this.#database.isTransaction) {
      this.#asked(() => this.#database.exec('BEGIN IMMEDIATE'));
      this.#group = setImmediate(() => this.#endGroup());
    }
    try {
      return work();
    } catch (error) {
      // What came before it in this turn may be gone with it.
      this.#dropGroup();
      this.onFailure?.(error);
      throw error;
    }
  }

  #endGroup(): void {
    try {
      this.#commitGroup();
    } catch (error) {
      this.onFailure?.(error);
    }
  }

  #commitGroup(): void {
    if (this.#group === undefined) return;
    clearImmediate(this.#group);
    this.#group = undefined;
    try {
      this.#asked(() => this.#database.exec('COMMIT'));
    } catch (error) {
      this.#dropGroup();
      throw error;
    }
  }

  #dropGroup(): void {
    clearImmediate(this.#group);
    this.#group = undefined;
    // Where the disk is full, SQLite has ended the transaction itself.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  /** Writes several things, or none of them; they are there for good when this returns. */
  together(write: () => void): void {
    this.#commitGroup();
    this.#asked(() => this.#database.exec('BEGIN IMMEDIATE'));
    try {
      write();
      this.#asked(() => this.#database.exec('COMMIT'));
    } catch (error) {
      this.#dropGroup();
      throw error;
    }
  }

  /** The pass of this name: the one that is there, else a new one, which repeats the last one unless that ended well. */
  pass(name: string, nowMs: number): Pass {
    const known = this.#get('SELECT id, generation FROM passes WHERE name = ?', name);
    if (known) return passSchema.parse(known);
    const last = this.#get('SELECT generation, endedWellAtMs FROM passes ORDER BY id DESC LIMIT 1');
    const { generation, endedWellAtMs } = last ? lastPassSchema.parse(last) : { generation: 0, endedWellAtMs: 0 };
    const next = endedWellAtMs === null ? generation : generation + 1;
    const made = this.#run('INSERT INTO passes (name, generation, startedAtMs) VALUES (?, ?, ?)', name, next, nowMs);
    return { id: Number(made.lastInsertRowid), generation: next };
  }

  /**
   * Ends a pass that its program left without an error. One with calls that got no answer did not end well.
   *
   * @returns whether it ended well.
   */
  endPass({ id }: Pass, nowMs: number): boolean {
    const open = this.#get('SELECT 1 FROM requests WHERE pass = ? AND deliveredAtMs IS NULL LIMIT 1', id);
    if (!open) this.#run('UPDATE passes SET endedWellAtMs = ? WHERE id = ?', nowMs, id);
    return !open;
  }

  #currentGeneration(): number {
    const found = this.#get('SELECT COALESCE(MAX(generation), 0) AS generation FROM passes');
    return z.object({ generation: z.number() }).parse(found).generation;
  }

  insert(request: NewRequest): KeptRequest {
    const { callKey, pass, place, account, grouping, endpoint, body, retryCount, estimateUsd, nowMs } = request;
    const row = this.#get(
      `INSERT INTO requests (callKey, pass, generation, place, account, grouping, endpoint, body, bytes, waits, retryCount, estimateUsd, takenAtMs)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) RETURNING ${requestColumns}`,
      callKey,
      pass.id,
      pass.generation,
      place,
      account,
      grouping,
      endpoint,
      body,
      body.length,
      retryCount,
      estimateUsd,
      nowMs,
    );
    return requestSchema.parse(row);
  }

  request(id: number): KeptRequest | null {
    return requestOf(this.#get(`SELECT ${requestColumns} FROM requests WHERE id = ?`, id));
  }

  /** The oldest equal request of a pass that was never delivered and whose caller has gone. */
  abandoned(callKey: string, { id }: Pass): KeptRequest | null {
    return requestOf(
      this.#get(
        `SELECT ${requestColumns} FROM requests
         WHERE callKey = ? AND pass = ? AND waits = 0 AND deliveredAtMs IS NULL ORDER BY id LIMIT 1`,
        callKey,
        id,
      ),
    );
  }

  /**
   * The equal request of a pass whose caller still waits, and has not tried as often. Before its next try each caller had one of its
   * own count, so the nearest count is taken: then as many requests stay as there are callers, whoever noticed which hang-up.
   */
  waitedFor(callKey: string, { id }: Pass, retryCount: number): KeptRequest | null {
    return requestOf(
      this.#get(
        `SELECT ${requestColumns} FROM requests
         WHERE callKey = ? AND pass = ? AND waits = 1 AND deliveredAtMs IS NULL AND retryCount < ?
         ORDER BY retryCount DESC, id LIMIT 1`,
        callKey,
        id,
        retryCount,
      ),
    );
  }

  /** The equal request of a pass that was delivered to a caller that had not tried as often: the nearest count, then the last one. */
  deliveredSince(callKey: string, { id }: Pass, retryCount: number, sinceMs: number): KeptRequest | null {
    return requestOf(
      this.#get(
        `SELECT ${requestColumns} FROM requests
         WHERE callKey = ? AND pass = ? AND deliveredAtMs >= ? AND retryCount < ?
         ORDER BY retryCount DESC, deliveredAtMs DESC, id DESC LIMIT 1`,
        callKey,
        id,
        sinceMs,
        retryCount,
      ),
    );
  }

  /** The request at a place among the equal ones of a generation. */
  atPlace(callKey: string, generation: number, place: number): KeptRequest | null {
    return requestOf(
      this.#get(
        `SELECT ${requestColumns} FROM requests WHERE generation = ? AND callKey = ? AND place = ?`,
        generation,
        callKey,
        place,
      ),
    );
  }

  /** The first place among equal requests that a pass has not come to yet. */
  nextPlace(callKey: string, { id, generation }: Pass): number {
    const found = this.#get(
      'SELECT COALESCE(MAX(place) + 1, 0) AS next FROM requests WHERE generation = ? AND callKey = ? AND place IS NOT NULL AND pass = ?',
      generation,
      callKey,
      id,
    );
    return z.object({ next: z.number() }).parse(found).next;
  }

  /** Somebody waits for the request. */
  claim(id: number, pass: Pass, retryCount: number): void {
    this.#run(
      'UPDATE requests SET waits = 1, leftAtMs = NULL, deliveredAtMs = NULL, pass = ?, retryCount = ? WHERE id = ?',
      pass.id,
      retryCount,
      id,
    );
  }

  /** Has a request begin anew that failed and cost nothing. */
  reopen(id: number, body: Buffer): void {
    this.#run(
      `UPDATE requests SET batch = NULL, position = NULL, attempts = 0, status = NULL, requestId = NULL, code = NULL, answer = NULL,
       answeredAtMs = NULL, body = ? WHERE id = ?`,
      body,
      id,
    );
  }

  /** Nobody waits for it any more. */
  left(id: number, nowMs: number): void {
    this.#run('UPDATE requests SET waits = 0, leftAtMs = ? WHERE id = ? AND deliveredAtMs IS NULL', nowMs, id);
  }

  delivered(id: number, nowMs: number): void {
    this.#run('UPDATE requests SET waits = 0, leftAtMs = ?, deliveredAtMs = ? WHERE id = ?', nowMs, nowMs, id);
  }

  /** Keeps an answer; the body is needed no longer, except to ask once more after a failure. */
  answer(id: number, { status, requestId, code, body }: KeptAnswer, nowMs: number): void {
    this.#run(
      'UPDATE requests SET status = ?, requestId = ?, code = ?, answer = ?, answeredAtMs = ?, body = NULL WHERE id = ?',
      status,
      requestId,
      code,
      body,
      nowMs,
      id,
    );
  }

  answerOf(id: number): KeptAnswer | null {
    const row = this.#get(
      'SELECT status, requestId, code, answer FROM requests WHERE id = ? AND status IS NOT NULL',
      id,
    );
    if (!row) return null;
    const { status, requestId, code, answer } = answerSchema.parse(row);
    return { status, requestId, code, body: bufferOf(answer) };
  }

  bodyOf(id: number): Buffer {
    const row = this.#get('SELECT body FROM requests WHERE id = ?', id);
    return bufferOf(z.object({ body: z.instanceof(Uint8Array) }).parse(row).body);
  }

  /** Puts requests into a new batch, in their order. */
  beginBatch(batch: Pick<KeptBatch, 'account' | 'grouping' | 'endpoint'>, requestIds: readonly number[]): KeptBatch {
    let id = 0;
    this.together(() => {
      const { account, grouping, endpoint } = batch;
      const made = this.#run(
        `INSERT INTO batches (account, grouping, endpoint, step, requests) VALUES (?, ?, ?, 'lines', ?)`,
        account,
        grouping,
        endpoint,
        requestIds.length,
      );
      id = Number(made.lastInsertRowid);
      for (const [position, requestId] of requestIds.entries())
        this.#run(
          'UPDATE requests SET batch = ?, position = ?, attempts = attempts + 1 WHERE id = ?',
          id,
          position,
          requestId,
        );
    });
    return this.batch(id);
  }

  batch(id: number): KeptBatch {
    return batchOf(this.#get('SELECT * FROM batches WHERE id = ?', id));
  }

  /** It is there for good when this returns. */
  note(id: number, { draft, ...note }: BatchNote): KeptBatch {
    this.#commitGroup();
    const changes = { ...note, ...(draft !== undefined && { draft: JSON.stringify(draft) }) };
    const names = Object.keys(changes);
    const values = Object.values(changes);
    this.#run(`UPDATE batches SET ${names.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`, ...values, id);
    return this.batch(id);
  }

  /** Nothing of the batch was created: its requests wait to be gathered again. */
  dissolve(id: number): void {
    this.#run(
      'UPDATE requests SET batch = NULL, position = NULL, attempts = MAX(0, attempts - 1) WHERE batch = ? AND status IS NULL',
      id,
    );
    this.#run('DELETE FROM batches WHERE id = ?', id);
  }

  /** Frees one request of a batch that has ended, to be sent once more. */
  release(requestId: number): void {
    this.#run('UPDATE requests SET batch = NULL, position = NULL WHERE id = ?', requestId);
  }

  /** Batches that were begun and have not ended. */
  openBatches(): KeptBatch[] {
    return this.#all(`SELECT * FROM batches WHERE step <> 'ended' ORDER BY id`).map(batchOf);
  }

  /** The request at a place of a batch that has no answer yet. */
  unanswered(batch: number, position: number): number | null {
    const row = this.#get(
      'SELECT id FROM requests WHERE batch = ? AND position = ? AND status IS NULL',
      batch,
      position,
    );
    return row ? idSchema.parse(row).id : null;
  }

  allUnanswered(batch: number): number[] {
    const rows = this.#all('SELECT id FROM requests WHERE batch = ? AND status IS NULL ORDER BY position', batch);
    return rows.map((row) => idSchema.parse(row).id);
  }

  requestsOf(batch: number): number[] {
    const rows = this.#all('SELECT id FROM requests WHERE batch = ? ORDER BY position', batch);
    return rows.map((row) => idSchema.parse(row).id);
  }

  counts(): JournalCounts {
    const row = this.#get(
      `SELECT COALESCE(SUM(waits), 0) AS waiting, COALESCE(SUM(batch IS NOT NULL AND status IS NULL), 0) AS sent,
       COALESCE(SUM(status < 400), 0) + ${forgotten('answered')} AS answered,
       COALESCE(SUM(status >= 400), 0) + ${forgotten('failed')} AS failed,
       COALESCE(SUM(status < 400 AND deliveredAtMs IS NULL AND waits = 0), 0) AS unclaimed FROM requests`,
    );
    return countsSchema.parse(row);
  }

  /**
   * What the ended batches cost, in US dollars, and what live calls would have cost; null where one of them does not say, or
   * where nobody knows whether it was created.
   */
  costs(): { spentUsd: number | null; liveUsd: number | null } {
    const row = this.#get(
      `SELECT CASE WHEN SUM(costUsd IS NULL) > 0 THEN NULL ELSE COALESCE(SUM(costUsd), 0) END AS spentUsd,
       CASE WHEN SUM(liveUsd IS NULL) > 0 THEN NULL ELSE COALESCE(SUM(liveUsd), 0) END AS liveUsd
       FROM batches WHERE step = 'ended' AND creatingAtMs IS NOT NULL`,
    );
    return costsSchema.parse(row);
  }

  /** What a batch costs at most, by what was reckoned of its requests. */
  estimateOf(batch: number): number {
    const row = this.#get('SELECT COALESCE(SUM(estimateUsd), 0.0) AS usd FROM requests WHERE batch = ?', batch);
    return z.object({ usd: z.number() }).parse(row).usd;
  }

  /** Answers that came and that nobody has fetched, oldest first. */
  *unclaimed(): Generator<UnclaimedAnswer> {
    const rows = this.#all(
      `SELECT id, endpoint, takenAtMs, answeredAtMs FROM requests
       WHERE status < 400 AND deliveredAtMs IS NULL AND waits = 0 ORDER BY id`,
    );
    for (const row of rows) {
      const found = unclaimedSchema.parse(row);
      yield { ...found, body: this.answerOf(found.id)?.body ?? Buffer.alloc(0) };
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#asked(() => this.#prepared(sql).run(...values));
  }

  #get(sql: string, ...values: SQLInputValue[]) {
    return this.#asked(() => this.#prepared(sql).get(...values));
  }

  #all(sql: string, ...values: SQLInputValue[]) {
    return this.#asked(() => this.#prepared(sql).all(...values));
  }

  /** @throws JournalError for whatever the database refuses. */
  #asked<Result>(ask: () => Result): Result {
    try {
      return ask();
    } catch (cause) {
      const message = `The journal in ${this.folder} cannot be used any more: ${messageOf(cause)}. Make room on its disk, or close the program that holds it, and start again: what was sent goes on, and nothing is paid for twice.`;
      throw new JournalError(message, { cause });
    }
  }
}

/** An answer that nobody has fetched. */
export interface UnclaimedAnswer {
  id: number;
  endpoint: string;
  takenAtMs: number;
  answeredAtMs: number;
  body: Buffer;
}

const factSchema = z.object({ value: z.string() });
const idSchema = z.object({ id: z.number() });
const passSchema = z.object({ id: z.number(), generation: z.number() });
const lastPassSchema = z.object({ generation: z.number(), endedWellAtMs: z.number().nullable() });
const unclaimedSchema = z.object({
  id: z.number(),
  endpoint: z.string(),
  takenAtMs: z.number(),
  answeredAtMs: z.number(),
});
const forgottenSchema = z.object({ answered: z.number(), failed: z.number() });
const costsSchema = z.object({ spentUsd: z.number().nullable(), liveUsd: z.number().nullable() });
const countsSchema = z.object({
  waiting: z.number(),
  sent: z.number(),
  answered: z.number(),
  failed: z.number(),
  unclaimed: z.number(),
});
const draftSchema = z.custom<Draft>((value) => typeof value === 'object' && value !== null && 'token' in value);

/** How many there were of those that are kept no longer. */
function forgotten(name: 'answered' | 'failed'): string {
  return `COALESCE((SELECT CAST(value AS INTEGER) FROM facts WHERE name = '${name}'), 0)`;
}

function requestOf(row: object | undefined): KeptRequest | null {
  return row ? requestSchema.parse(row) : null;
}

function batchOf(row: object | undefined): KeptBatch {
  const { draft, ...batch } = batchSchema.parse(row);
  return { ...batch, draft: draft === null ? null : draftSchema.parse(parseJson(draft)) };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** How long a write waits for another program that looks into the database. */
const busyMilliseconds = 1_000;

const databaseName = 'journal.sqlite';
const lockName = 'lock.sqlite';
const ownerName = 'owner.json';

function openDatabase(folder: string): DatabaseSync {
  const path = join(folder, databaseName);
  // Made by us first, so that it is nobody else's to read for a moment.
  writeFileSync(path, '', { flag: 'a', mode: 0o600 });
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path, { timeout: busyMilliseconds });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  database.exec(tables);
  return database;
}

/** A lock of the operating system, so that it ends with the process, however that ends. */
function lockedBy(folder: string, owner: JournalOwner): DatabaseSync {
  const path = join(folder, lockName);
  writeFileSync(path, '', { flag: 'a', mode: 0o600 });
  const lock = new DatabaseSync(path);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE;');
  } catch (cause) {
    lock.close();
    if (!/locked|busy/i.test(messageOf(cause))) throw cause;
    throw inUse(folder, cause);
  }
  writeOwner(folder, owner);
  return lock;
}

function writeOwner(folder: string, owner: JournalOwner): void {
  writeFileSync(join(folder, ownerName), JSON.stringify(owner), { mode: 0o600 });
}

const ownerSchema = z.object({ pid: z.number(), url: z.string().nullable() });

/** Who has, or had, a run's journal; null where nobody ever wrote it. */
export function ownerOf(folder: string): JournalOwner | null {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(join(folder, ownerName), 'utf8')));
  } catch {
    return null;
  }
}

function inUse(folder: string, cause: unknown): ConflictError {
  const owner = ownerOf(folder);
  const who = owner ? `process ${owner.pid}${owner.url ? `, which serves at ${owner.url},` : ''}` : 'another process';
  const share = owner?.url
    ? `point OPENAI_BASE_URL or ANTHROPIC_BASE_URL at ${owner.url}`
    : 'have both programs call one `batchdrop serve`';
  const message = `The run in ${folder} is worked on by ${who} already. Name another run (run: '...', --run ...), or ${share}.`;
  return new ConflictError(message, { cause });
}

function unusable(folder: string, cause: unknown): InvalidInputError {
  const reason = messageOf(cause instanceof JournalError ? cause.cause : cause);
  const message = `The journal in ${folder} cannot be used: ${reason}. Nothing was taken. Give another place (journal: '...', --journal ...), or make room. A damaged journal may be moved away; what its open batches answer then stays at the provider.`;
  return new InvalidInputError('journal_unusable', message, { cause, param: 'journal' });
}
