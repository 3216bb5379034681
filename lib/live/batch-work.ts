import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Connection } from '../client/connection.ts';
import type { Creation, Draft } from '../client/creation-steps.ts';
import { pause } from '../client/deployment/pause.ts';
import { readChunks, readLines } from '../client/results.ts';
import { objectFrom, objectOf, textOf } from '../lines/foreign-json.ts';
import type { CreateOutcome, ProviderBatch, SendingRefusal } from '../providers/contract.ts';
import type { BatchFields } from '../providers/shared/batch-fields.ts';
import { type Endpoint, isEndpoint } from '../records/endpoints.ts';
import {
  InvalidInputError,
  messageOf,
  NotFoundError,
  ProviderAuthenticationError,
  safeText,
} from '../records/errors.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { deferralSeconds, waitSeconds } from '../records/schedule.ts';
import type { Usage } from '../records/usage.ts';
import { answerFromLine, failureAnswer, type LineAnswer, statusOf } from './answer.ts';
import { type BatchNote, type Journal, JournalError, type KeptAnswer, type KeptBatch } from './journal.ts';
import { lineOf } from './live-call.ts';
import type { Pricing } from './pricing.ts';
import { deadlineHours } from './target.ts';

/** What a batch needs of the run that it belongs to. */
export interface BatchHost {
  journal: Journal;
  /** Names the run in the batch's metadata. */
  runName: string;
  /** How often a request is sent where the target does not repeat what failed. */
  maxAttempts: number;
  /** Between two looks at a batch; a tenth of its age without it. */
  pollIntervalSeconds: number | undefined;
  /** Who knows what answers cost; null where nobody does. */
  pricing: Pricing | null;
  /** What the batch may cost, where its target holds that; undefined without a cap. */
  maxCostUsd(): number | undefined;
  signal: AbortSignal;
  now(): number;
  /** Whether anybody waits for a request. */
  isWanted(requestId: number): boolean;
  /** The journal has these answers now. */
  answered(answers: readonly (readonly [requestId: number, answer: KeptAnswer])[]): void;
  /** These were not sent, or may be sent again. */
  freed(requestIds: readonly number[]): void;
  /** Something worth showing changed. */
  changed(batch: KeptBatch): void;
}

const deadlineMs = deadlineHours * 3_600_000;
/** Answers that are written together. */
const answersAtATime = 200;
/** Downloads of the results at least, however much time has passed meanwhile: a laptop may have slept. */
const minDownloads = 4;
/** How long a batch may be unknown to the provider, or its results unreadable, before it counts as gone. */
const goneAfterMs = 30 * 60_000;
/** How long after its day a batch may still end by itself before it is cancelled, and then how long it is waited for. */
const expiryMs = 20 * 60_000;
const cancellationMs = 30 * 60_000;
/** Looks at a batch whose day is over, at least, for the same reason. */
const minLooks = 4;
const pollBounds = { minSeconds: 1, maxSeconds: 60 };
const firstPauseSeconds = 1;
const lookSeconds = 5;
const surpriseSeconds = 30;

/**
 * Takes one batch through its steps, from whichever the journal has, until every request of it has an answer. Each step is
 * written down before the next is begun. A creation whose outcome is unknown is looked for, and never made again until it is
 * proven that it came to nothing.
 */
export class BatchWork {
  readonly #host: BatchHost;
  readonly #connection: Connection;
  readonly #readParts = new Set<string>();
  #cost: { costUsd: number | null; liveUsd: number | null } = { costUsd: 0, liveUsd: 0 };
  /** Since the batch was seen running though its day was over; null until then. */
  #overdue: { sinceMs: number; looks: number } | null = null;
  #batch: KeptBatch;

  constructor(host: BatchHost, connection: Connection, batch: KeptBatch) {
    this.#host = host;
    this.#connection = connection;
    this.#batch = batch;
  }

  /**
   * Ends with the batch, or with the run; then the next start goes on.
   *
   * @throws JournalError where nothing can be written down any more.
   */
  async run(): Promise<void> {
    while (!this.#host.signal.aborted && !(await this.#isOver()));
  }

  /** Goes as far as it comes. A surprise is met again after a pause. */
  async #isOver(): Promise<boolean> {
    try {
      if (await this.#created()) await this.#collect();
      return true;
    } catch (error) {
      if (this.#host.signal.aborted) return true;
      if (error instanceof JournalError) throw error;
      if (this.#batch.step === 'lines' && error instanceof InvalidInputError) {
        this.#end(error);
        return true;
      }
      this.#host.changed({ ...this.#batch, problem: safeText(messageOf(error)) });
      await pause(this.#host.pollIntervalSeconds ?? surpriseSeconds, this.#host.signal).catch(() => undefined);
      return false;
    }
  }

  get #endpoint(): Endpoint {
    const { endpoint } = this.#batch;
    if (isEndpoint(endpoint)) return endpoint;
    throw new TypeError(`The journal has a batch for ${endpoint}, which is no endpoint.`);
  }

  get #idPrefix(): string {
    return `live-${this.#host.journal.id}-${this.#batch.id.toString(36)}-`;
  }

  get #linesFile(): string {
    return join(this.#host.journal.folder, 'batches', `${this.#batch.id}.jsonl`);
  }

  #note(note: BatchNote): void {
    this.#batch = this.#host.journal.note(this.#batch.id, note);
    this.#host.changed(this.#batch);
  }

  /** @returns whether there is a batch at the target now. */
  async #created(): Promise<boolean> {
    if (this.#batch.step === 'created') return true;
    const draft = this.#batch.draft ?? (await this.#drafted());
    const lines = await openAsBlob(this.#linesFile);
    if (this.#batch.step === 'creating') return await this.#found(this.#creation(draft, lines));
    for (let deferrals = 0; ; deferrals += 1) {
      const outcome = await this.#send(draft, lines);
      if (outcome.outcome === 'unknown') return await this.#found(this.#creation(draft, lines));
      if (outcome.outcome === 'created') return this.#adopt(outcome.providerBatchId);
      if (outcome.outcome === 'refused') return this.#refuse(outcome);
      this.#note({ step: this.#batch.inputFileId === null ? 'lines' : 'uploaded', problem: outcome.message });
      const seconds = deferralSeconds(deferrals, firstPauseSeconds, outcome.retryAfterSeconds);
      if (!(await this.#pauseUnlessUnwanted(seconds))) return false;
    }
  }

  /** The final lines, on disk before anything of them is sent. */
  async #drafted(): Promise<Draft> {
    const { journal, runName } = this.#host;
    await mkdir(join(journal.folder, 'batches'), { recursive: true, mode: 0o700 });
    const drafting = this.#connection.steps.draft(this.#requestLines(), {
      endpoint: this.#endpoint,
      metadata: { live_run: runName.slice(0, 200) },
      strict: false,
      idPrefix: this.#idPrefix,
      maxCostUsd: this.#host.maxCostUsd(),
    });
    await pipeline(Readable.from(drafting.lines), createWriteStream(this.#linesFile, { mode: 0o600, flush: true }));
    const draft = await drafting.finish(await openAsBlob(this.#linesFile));
    this.#note({ draft, step: 'lines' });
    return draft;
  }

  async *#requestLines(): AsyncGenerator<Buffer> {
    const { journal } = this.#host;
    const newline = Buffer.from('\n');
    for (const [position, id] of journal.requestsOf(this.#batch.id).entries())
      yield Buffer.concat([lineOf(this.#customId(position), this.#endpoint, journal.bodyOf(id)), newline]);
  }

  #customId(position: number): string {
    return `${this.#idPrefix}${position.toString(36)}`;
  }

  #positionOf(customId: string | null): number | null {
    if (!customId?.startsWith(this.#idPrefix)) return null;
    const digits = customId.slice(this.#idPrefix.length);
    return /^[0-9a-z]{1,8}$/.test(digits) ? Number.parseInt(digits, 36) : null;
  }

  #creation(draft: Draft, lines: Blob): Creation {
    const { id, inputFileId, creatingAtMs } = this.#batch;
    const key = `live-${this.#host.journal.id}-${id}`;
    return {
      draft,
      lines,
      inputFileId,
      startedAtMs: creatingAtMs ?? this.#host.now(),
      ...(this.#connection.steps.retries && { idempotencyKey: key }),
    };
  }

  /** Uploads and creates, once each. What is not proven is unknown. */
  async #send(draft: Draft, lines: Blob): Promise<CreateOutcome> {
    const { steps } = this.#connection;
    try {
      if (this.#batch.step === 'lines') {
        const upload = await steps.upload(draft, lines, this.#host.signal);
        if (upload.outcome !== 'uploaded') return upload;
        this.#note({ step: 'uploaded', inputFileId: upload.providerInputFileId });
      }
    } catch (error) {
      if (error instanceof JournalError) throw error;
      return this.#nothingCreated(error);
    }
    this.#note({ step: 'creating', creatingAtMs: this.#host.now() });
    try {
      return await steps.create(this.#creation(draft, lines));
    } catch (error) {
      if (error instanceof ProviderAuthenticationError) return this.#nothingCreated(error);
      return { outcome: 'unknown', message: safeText(messageOf(error)) };
    }
  }

  #nothingCreated(error: unknown): CreateOutcome {
    if (this.#host.signal.aborted) throw error;
    const message = safeText(messageOf(error));
    if (error instanceof ProviderAuthenticationError)
      return { outcome: 'refused', code: 'invalid_api_key', message: `The key of the gathering itself: ${message}` };
    return { outcome: 'deferred', message, retryAfterSeconds: null };
  }

  #adopt(providerBatchId: string): true {
    this.#note({ step: 'created', providerBatchId, createdAtMs: this.#host.now(), problem: null });
    return true;
  }

  /** Looks for a creation without an answer until it is found, or proven to have come to nothing, or a day is over. */
  async #found(creation: Creation): Promise<boolean> {
    const { steps } = this.#connection;
    for (let looks = 0; ; looks += 1) {
      const ageMs = this.#host.now() - creation.startedAtMs;
      const found = await steps.find(creation).catch((error: unknown) => {
        const reason = safeText(messageOf(error));
        return { finding: 'undecided', providerBatchIds: [], reason } as const;
      });
      if (found.finding === 'found') return this.#adopt(found.providerBatchId);
      if (found.finding === 'none' && ageMs > steps.unlistedSeconds * 1000) return this.#dissolve();
      const reason = found.finding === 'undecided' ? found.reason : 'it is not listed so far';
      if (ageMs > deadlineMs) return this.#endUnconfirmed(reason);
      this.#note({ problem: `Whether the batch was created is not known yet: ${reason}` });
      await pause(
        Math.min(lookSeconds * 2 ** Math.min(looks, 4), this.#host.pollIntervalSeconds ?? 60),
        this.#host.signal,
      );
    }
  }

  #endUnconfirmed(reason: string): false {
    const message = `It could not be proven whether the batch with this request was created: ${reason}. It was not sent again.`;
    this.#end({ code: 'submission_unconfirmed', message });
    return false;
  }

  /** Nothing of it was created, so its requests may be gathered again. */
  #dissolve(): false {
    const { journal } = this.#host;
    const requestIds = journal.allUnanswered(this.#batch.id);
    journal.together(() => journal.dissolve(this.#batch.id));
    void this.#removeLines();
    this.#host.freed(requestIds);
    return false;
  }

  /** @returns whether somebody still waits; else the batch is given up before it was created. */
  async #pauseUnlessUnwanted(seconds: number): Promise<boolean> {
    await pause(Math.min(seconds, this.#host.pollIntervalSeconds ?? seconds), this.#host.signal);
    const { journal } = this.#host;
    if (journal.requestsOf(this.#batch.id).some((id) => this.#host.isWanted(id))) return true;
    return this.#dissolve();
  }

  /** The lines that the target names get its words, and the others are gathered again; where it names none, all get them. */
  #refuse(refusal: SendingRefusal): false {
    const named = (refusal.isUntouched && refusal.refusedLines) || [];
    const answers = named.flatMap(({ position, code, message }) => {
      const id = this.#host.journal.unanswered(this.#batch.id, position);
      return id === null ? [] : [[id, this.#failure(code, message, statusOfLine(code))] as const];
    });
    if (answers.length === 0) {
      this.#note({ costUsd: 0, liveUsd: 0 });
      this.#end(refusal);
      return false;
    }
    this.#keep(answers);
    return this.#dissolve();
  }

  #failure(code: string, message: string, status = statusOf(code)): KeptAnswer {
    return failureAnswer(this.#endpoint, { status, code, message: safeText(message) });
  }

  #keep(answers: readonly (readonly [number, KeptAnswer])[]): void {
    const { journal, now } = this.#host;
    journal.together(() => {
      for (const [id, answer] of answers) journal.answer(id, answer, now());
    });
    this.#host.answered(answers);
  }

  /** Gives every request without an answer the same failure; the batch is over. */
  #end({ code, message }: { code: string; message: string }): void {
    const { journal, now } = this.#host;
    this.#keep(journal.allUnanswered(this.#batch.id).map((id) => [id, this.#failure(code, message)] as const));
    this.#note({ step: 'ended', endedAtMs: now(), problem: message });
    void this.#removeLines();
  }

  /** What cannot be removed does no harm: no other batch has this name. */
  async #removeLines(): Promise<void> {
    await rm(this.#linesFile, { force: true }).catch(() => undefined);
  }

  async #collect(): Promise<void> {
    const ended = await this.#ended();
    if (ended === 'gone')
      return this.#end({ code: 'results_unavailable', message: 'The batch is gone at the provider.' });
    if (ended === 'overdue') return this.#end(neverEnded);
    const { batch, fields } = ended;
    if (batch.phase === 'failed') return await this.#failed(batch, fields);
    const isRead = await this.#read(batch);
    if (this.#connection.steps.retries) this.#note({ costUsd: costOf(fields) });
    else if (isRead) this.#note(this.#cost);
    this.#end(isRead ? missingFrom(batch, this.#overdue !== null) : unreadable);
  }

  /** @returns `gone` where the provider has known no such batch for a while, `overdue` where it does not end. */
  async #ended(): Promise<{ batch: ProviderBatch; fields: BatchFields } | 'gone' | 'overdue'> {
    const { providerBatchId, createdAtMs } = this.#batch;
    const { now, signal, pollIntervalSeconds } = this.#host;
    const id = providerBatchId ?? '';
    let lastSeenMs = now();
    for (;;) {
      try {
        const batch = await this.#connection.client.retrieve(id, signal);
        if (hasEnded(batch.phase)) return { batch, fields: await this.#connection.client.describe(id, signal) };
        lastSeenMs = now();
        await this.#readFinishedParts(id);
        if (this.#batch.problem !== null) this.#note({ problem: null });
      } catch (error) {
        if (signal.aborted || error instanceof JournalError) throw error;
        if (!(error instanceof NotFoundError)) lastSeenMs = now();
        if (now() - lastSeenMs > goneAfterMs) return 'gone';
        this.#note({ problem: `The batch cannot be looked at: ${safeText(messageOf(error))}` });
      }
      const ageSeconds = (now() - (createdAtMs ?? now())) / 1000;
      if (ageSeconds * 1000 > deadlineMs + expiryMs && (await this.#isGivenUp(id))) return 'overdue';
      await pause(pollIntervalSeconds ?? waitSeconds(ageSeconds, pollBounds, Math.random()), signal);
    }
  }

  /** A batch that runs after its day is cancelled, and waited for a while longer: what it did is paid for. */
  async #isGivenUp(batchId: string): Promise<boolean> {
    const { now, signal } = this.#host;
    this.#overdue ??= { sinceMs: now(), looks: 0 };
    const { sinceMs, looks } = this.#overdue;
    if (looks >= minLooks && now() - sinceMs > cancellationMs) return true;
    if (looks === 0) {
      this.#note({ problem: 'The batch did not end within its 24 hours, and is being cancelled.' });
      await this.#connection.cancel(batchId, signal).catch((error: unknown) => {
        const why = safeText(messageOf(error));
        this.#note({ problem: `The batch did not end within its 24 hours, and cannot be cancelled: ${why}` });
      });
    }
    this.#overdue.looks += 1;
    return false;
  }

  /** Answers of parts that are done are handed out before the batch ends. */
  async #readFinishedParts(batchId: string): Promise<void> {
    const { client } = this.#connection;
    const { signal } = this.#host;
    for (const part of (await client.finishedParts?.(batchId, signal)) ?? []) {
      if (this.#readParts.has(part.id)) continue;
      const read = (bytes: Buffer | null) => this.#result(bytes);
      await this.#keepResults(readChunks(part.read(signal), read, signal));
      this.#readParts.add(part.id);
    }
  }

  /** The provider took none of it. */
  async #failed({ failure }: ProviderBatch, { errors }: BatchFields): Promise<void> {
    const [first] = errors?.data ?? [];
    const told = {
      code: first?.code || 'provider_batch_failed',
      message: first?.message || 'The provider failed the batch.',
    };
    if (failure?.isQueueFull) {
      await this.#pauseUnlessUnwanted(deferralSeconds(3, firstPauseSeconds * 10, null));
      this.#dissolve();
      return;
    }
    this.#refuse(failure ?? told);
  }

  /** @returns whether the results were read to their end. */
  async #read(batch: ProviderBatch): Promise<boolean> {
    const { now, signal, pollIntervalSeconds } = this.#host;
    const beganMs = now();
    for (let download = 1; ; download += 1) {
      try {
        await this.#readOnce(batch);
        return true;
      } catch (error) {
        if (signal.aborted || error instanceof JournalError) throw error;
        this.#note({ problem: `The results could not be read: ${safeText(messageOf(error))}` });
        if (download >= minDownloads && now() - beganMs > goneAfterMs) return false;
        await pause(pollIntervalSeconds ?? Math.min(5 * download, pollBounds.maxSeconds), signal);
      }
    }
  }

  async #readOnce(batch: ProviderBatch): Promise<void> {
    this.#cost = { costUsd: 0, liveUsd: 0 };
    const read = (bytes: Buffer | null) => this.#result(bytes);
    await this.#keepResults(readLines(this.#connection, batch, read, this.#host.signal));
  }

  async #keepResults(results: AsyncIterable<PlacedResult>): Promise<void> {
    let answers: (readonly [number, KeptAnswer])[] = [];
    const retried: number[] = [];
    for await (const { position, result } of results) {
      const id = position === null ? null : this.#host.journal.unanswered(this.#batch.id, position);
      if (id === null || result === null) continue;
      if (this.#maySendAgain(id, result)) retried.push(id);
      else answers.push([id, result.answer]);
      if (answers.length < answersAtATime) continue;
      this.#keep(answers);
      answers = [];
    }
    this.#keep(answers);
    this.#release(retried);
  }

  #result(bytes: Buffer | null): PlacedResult {
    if (bytes === null) return { customId: null, position: null, result: null };
    const read = this.#connection.readLine(bytes, this.#endpoint);
    if (read.kind === 'none') {
      const { customId, message } = read;
      const code = read.code === 'batch_cancelled' && this.#overdue ? 'batch_expired' : read.code;
      const answer = this.#failure(code, message);
      const isRetryable = code === 'batch_expired';
      return { customId, position: this.#positionOf(customId), result: { answer, isRetryable } };
    }
    this.#addCost(read);
    const customId = textOf(objectFrom(read.line)?.custom_id);
    return { customId, position: this.#positionOf(customId), result: answerFromLine(read.line, this.#endpoint) };
  }

  /** An answer without a known price makes the sum unknown. The model is that of the batch, unless each request has its own. */
  #addCost({ usage, model }: { usage: Usage | null; model: string | null }): void {
    if (usage === null) return;
    const ofBatch = this.#connection.steps.mixesModels ? '' : this.#batch.draft?.model;
    const asked = ofBatch || model || '';
    const price = this.#host.pricing?.priceOf(usage, asked) ?? null;
    const { costUsd, liveUsd } = this.#cost;
    this.#cost = {
      costUsd: price && costUsd !== null ? costUsd + price.batchUsd : null,
      liveUsd: price && price.singleUsd !== null && liveUsd !== null ? liveUsd + price.singleUsd : null,
    };
  }

  /**
   * Where the target does not repeat what failed for a reason that may pass, we do, within a day: at once where somebody waits, else
   * when its caller comes back.
   */
  #maySendAgain(id: number, { isRetryable }: LineAnswer): boolean {
    const { journal, maxAttempts, now } = this.#host;
    if (!isRetryable || this.#connection.steps.retries) return false;
    const request = journal.request(id);
    return request !== null && request.attempts < maxAttempts && now() - request.takenAtMs < deadlineMs;
  }

  #release(requestIds: readonly number[]): void {
    const { journal } = this.#host;
    if (requestIds.length === 0) return;
    journal.together(() => {
      for (const id of requestIds) journal.release(id);
    });
    this.#host.freed(requestIds);
  }
}

/** A result line, and the place of its request in the batch. */
interface PlacedResult {
  customId: string | null;
  position: number | null;
  result: LineAnswer | null;
}

/** A line that a provider refuses is wrong, whatever it calls that. */
function statusOfLine(code: string): number {
  const status = statusOf(code);
  return status < 500 ? status : 400;
}

/** It says nothing of whether the requests were executed, so they are not sent again. */
const unreadable = {
  code: 'results_unavailable',
  message: 'The results of the batch could not be read. The request may have been paid for, and is not sent again.',
};

/** The same of a batch that runs on, whatever its provider was told. */
const neverEnded = {
  code: 'batch_overdue',
  message:
    'The batch did not end within 24 hours, nor after it was cancelled. The request may be executed and paid for, and is not sent again.',
};

/** @param isOverdue whether it was cancelled since its day was over. */
function missingFrom({ phase }: ProviderBatch, isOverdue: boolean): { code: string; message: string } {
  if (phase === 'expired' || (phase === 'cancelled' && isOverdue))
    return { code: 'batch_expired', message: 'The batch expired before this request was executed.' };
  if (phase === 'cancelled')
    return { code: 'batch_cancelled', message: 'The batch was cancelled before this request was executed.' };
  return { code: 'result_missing', message: 'The provider gave no readable result for this request.' };
}

/** What a deployment says that its batch cost; null where nobody does. */
function costOf(fields: BatchFields): number | null {
  const cost = objectOf(objectOf(fields.batchdrop)?.cost);
  return typeof cost?.usd === 'number' ? cost.usd : null;
}
