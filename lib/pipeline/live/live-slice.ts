import { setTimeout as sleep } from 'node:timers/promises';
import { type LiveSettings, liveSettingsOf } from '../../providers/config.ts';
import type { LiveAnswer } from '../../providers/contract.ts';
import { estimateCall } from '../../providers/estimate/estimate.ts';
import { ownEndpoint } from '../../providers/own-endpoint.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { messageOf, safeText } from '../../records/errors.ts';
import { sendingPrefix } from '../../records/ids.ts';
import { liveWorkKey } from '../../records/object-keys.ts';
import { type LiveWork, noLiveWork, ownsSlice, recordAnswers, type ShardRecord } from '../../records/shard.ts';
import { countRefusedKey } from '../metrics.ts';
import type { Account, Services, StepContext } from '../services.ts';
import { readIndex, sharedMembersOf } from '../shards/shard-lines.ts';
import { LiveCheckpoint } from './live-checkpoint.ts';
import { type LiveLine, unansweredLines } from './live-lines.ts';
import { LivePace } from './live-pace.ts';

/**
 * How long a slice begins calls. The batch's other shards wait for its turn to end, so it is short; a slice reads its
 * shard again and leaves its last calls to run out, so it is not shorter. With the longest call (300 s) and the recording
 * it fits into the function's 900 s.
 */
export const sliceMs = 240_000;
/** Left of a function's time to record the last answers and to give the lease back. */
const recordingMs = 20_000;
/** Tries of a line in all slices, after which what came of the last one is its result. */
const maxTries = 8;
const firstRetryMs = 500;
const longestRetryMs = 30_000;
/** Answers wait for each other so long, and their places with them: each recording costs two objects and a write. */
const gatheringMs = 2_000;
const maxGatheredBytes = 8 * 1024 * 1024;
/** Between two looks at the batch: has it been cancelled, is it over, has another execution taken over? */
const lookEveryMs = 2_000;
/** How long calls under way may still take once their batch is closed. */
const closingGraceMs = 5_000;
/** A longer pause is not paid for: the slice ends, and the shard waits. */
const longestPauseMs = 20_000;
/** Refusals in a row, each after sending less, after which the shard waits. */
const maxRefusalsInARow = 4;
const tickMs = 250;

/** Why a slice begins no more calls. */
type Stop = 'time' | 'closed' | 'stalled' | 'lost' | 'failed';

/** Why a shard did not get on, and how long the endpoint wants to be left alone. */
export interface SliceObstacle {
  message: string;
  pauseMs: number;
}

interface Retry {
  line: LiveLine;
  dueAtMs: number;
}

interface Recordable {
  position: number;
  line: Buffer;
  succeeded: boolean;
}

export interface SliceTask {
  batch: BatchRecord;
  shard: ShardRecord;
  /** Names the lease. */
  token: string;
  account: Account;
}

/**
 * Sends the unanswered requests of a live shard for a while, many at a time. Answers are recorded in groups as they come:
 * a group's object and the state after it, then one conditional write that names them. A call keeps its place until its
 * answer is recorded, so what a crash repeats is never more than `maxConcurrency` calls.
 *
 * @returns why it did not get on; null where it did.
 */
export async function sendSlice(
  services: Services,
  task: SliceTask,
  context: StepContext,
): Promise<SliceObstacle | null> {
  const { shard } = task;
  const [index, checkpoint] = await Promise.all([
    readIndex(services.objects, shard),
    LiveCheckpoint.read(services.objects, shard),
  ]);
  const { batchId, round, shard: position, intent, attempts } = shard;
  const prefix = sendingPrefix({ batchId, round, shard: position, attempt: intent?.attempt ?? attempts });
  const lines = unansweredLines(services.objects, shard, { index, prefix, checkpoint });
  const slice = new LiveSlice(services, task, checkpoint, lines, context);
  try {
    return await slice.run();
  } finally {
    await lines.return(undefined);
  }
}

class LiveSlice {
  readonly #services: Services;
  readonly #task: SliceTask;
  readonly #settings: LiveSettings;
  readonly #checkpoint: LiveCheckpoint;
  readonly #lines: AsyncGenerator<LiveLine>;
  readonly #pace: LivePace;
  readonly #callMs: number;
  readonly #endsAtMs: number;
  readonly #underWay = new Map<LiveLine, AbortController>();
  #retries: Retry[] = [];
  #held: LiveLine | null = null;
  #hasMore = true;
  #gathered: Recordable[] = [];
  #gatheredBytes = 0;
  #gatheredSinceMs = 0;
  /** Being recorded at present. */
  #recording: Promise<void> | null = null;
  #recordingCount = 0;
  #groups = 0;
  #work: LiveWork;
  /** Whether the shard has a request that was answered well, and so a key that may do something. */
  #hasSucceeded: boolean;
  #stop: Stop | null = null;
  #obstacle: SliceObstacle | null = null;
  #failure: unknown;
  #lookedAtMs = nowMs();
  #closedAtMs: number | null = null;
  #wake: () => void = () => undefined;

  constructor(
    services: Services,
    task: SliceTask,
    progress: LiveCheckpoint,
    lines: AsyncGenerator<LiveLine>,
    context: StepContext,
  ) {
    this.#services = services;
    this.#task = task;
    this.#checkpoint = progress;
    this.#lines = lines;
    this.#settings = liveSettingsOf(task.account.config);
    this.#work = task.shard.live ?? noLiveWork;
    this.#hasSucceeded = this.#work.answered > this.#work.failed;
    this.#pace = new LivePace(this.#settings, nowMs());
    const leftMs = context.remainingMs() - recordingMs;
    this.#callMs = Math.max(1, Math.min(this.#settings.requestTimeoutSeconds * 1_000, leftMs / 2));
    this.#endsAtMs = nowMs() + Math.min(sliceMs, leftMs - this.#callMs);
    context.signal.addEventListener('abort', () => this.#abandon('lost'), { once: true });
    if (context.signal.aborted) this.#abandon('lost');
  }

  async run(): Promise<SliceObstacle | null> {
    const ticker = setInterval(() => this.#tick(), tickMs);
    try {
      await this.#sendAll();
      while (this.#underWay.size > 0) await this.#waitForWake(tickMs);
      while (this.#gathered.length > 0 || this.#recording) {
        this.#record();
        await this.#recording;
        if (this.#stop === 'lost' || this.#stop === 'failed') break;
      }
    } catch (error) {
      this.#failure ??= error;
    } finally {
      clearInterval(ticker);
      for (const controller of this.#underWay.values()) controller.abort();
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#obstacle;
  }

  async #sendAll(): Promise<void> {
    while (this.#stop === null) {
      if (nowMs() >= this.#endsAtMs) this.#stop = 'time';
      else if (!this.#hasRoom()) await this.#waitForWake(tickMs);
      else {
        const line = this.#takeDue() ?? (await this.#takeNext());
        if (!line && this.#isEmpty()) return;
        if (!line) await this.#waitForWake(tickMs);
        else await this.#send(line);
      }
    }
  }

  #hasRoom(): boolean {
    const kept = this.#underWay.size + this.#gathered.length + this.#recordingCount;
    return kept < this.#pace.maxCalls && this.#underWay.size < this.#pace.limit;
  }

  #isEmpty(): boolean {
    return !this.#hasMore && this.#underWay.size === 0 && this.#retries.length === 0 && this.#held === null;
  }

  #takeDue(): LiveLine | null {
    const held = this.#held;
    this.#held = null;
    if (held) return held;
    const due = this.#retries.findIndex(({ dueAtMs }) => dueAtMs <= nowMs());
    return due < 0 ? null : (this.#retries.splice(due, 1)[0]?.line ?? null);
  }

  async #takeNext(): Promise<LiveLine | null> {
    // What waits for another try is in memory too.
    if (!this.#hasMore || this.#retries.length >= this.#pace.maxCalls) return null;
    const next = await this.#lines.next();
    if (!next.done) return next.value;
    this.#hasMore = false;
    return null;
  }

  /** Sends a line, or keeps it until the endpoint may be asked again. */
  async #send(line: LiveLine): Promise<void> {
    const tokens = this.#pace.countsTokens ? estimateCall(line.bytes, this.#task.shard.endpoint) : 0;
    const waitMs = this.#stop === null ? this.#pace.waitMs(nowMs(), tokens) : 0;
    if (this.#stop !== null || waitMs > 0) {
      this.#held = line;
      if (this.#stop === null) await this.#waitForWake(Math.min(waitMs, tickMs));
      return;
    }
    this.#pace.noteCall(nowMs(), tokens);
    const controller = new AbortController();
    this.#underWay.set(line, controller);
    void this.#call(line, tokens, controller);
  }

  async #call(line: LiveLine, tokens: number, controller: AbortController): Promise<void> {
    const beganAtMs = nowMs();
    const reason = new Error(`There was no answer within ${Math.round(this.#callMs / 1_000)} s.`);
    const timer = setTimeout(() => controller.abort(reason), this.#callMs);
    try {
      const { account, shard } = this.#task;
      const { model } = shard;
      const endpoint = ownEndpoint(account.provider, shard);
      const shared = sharedMembersOf(shard);
      const { signal } = controller;
      const answer = await account.live.call({ line: line.bytes, endpoint, model, shared, signal });
      const isAbandoned = controller.signal.aborted && controller.signal.reason !== reason;
      if (!isAbandoned || answer.outcome === 'answered') this.#settle(line, { answer, beganAtMs, tokens });
    } catch (error) {
      countRefusedKey(this.#services, error);
      this.#stall(messageOf(error), 0);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(line);
      this.#wake();
    }
  }

  #settle(line: LiveLine, call: { answer: LiveAnswer; beganAtMs: number; tokens: number }): void {
    const { answer, beganAtMs, tokens } = call;
    if (answer.outcome !== 'unreachable') this.#checkpoint.countTry(line.position);
    switch (answer.outcome) {
      case 'answered':
        this.#pace.noteAnswer(nowMs(), tokens, answer.tokens);
        this.#hasSucceeded ||= answer.succeeded;
        this.#gather({ position: line.position, line: answer.line, succeeded: answer.succeeded });
        return;
      case 'busy':
        this.#refuse(beganAtMs, answer.message, answer.retryAfterSeconds);
        this.#tryAgain(line, answer.line, 0);
        return;
      case 'forbidden':
        this.#forbid(line, answer);
        return;
      case 'unreachable':
        this.#refuse(beganAtMs, answer.message, null);
        this.#retries.push({ line, dueAtMs: nowMs() });
        return;
      case 'failed': {
        const pauseMs = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#checkpoint.tries(line.position));
        this.#tryAgain(line, answer.line, pauseMs * (0.5 + this.#services.random() / 2));
        return;
      }
    }
  }

  /** Takes a 403. If the same key has had other requests answered, the refusal is about this request alone. */
  #forbid(line: LiveLine, answer: { line: Buffer; message: string }): void {
    if (this.#hasSucceeded) {
      this.#gather({ position: line.position, line: answer.line, succeeded: false });
    } else {
      this.#tryAgain(line, answer.line, 0);
      this.#stall(answer.message, 0);
    }
  }

  #refuse(beganAtMs: number, message: string, retryAfterSeconds: number | null): void {
    this.#pace.noteRefusal(beganAtMs, nowMs(), retryAfterSeconds);
    const pauseMs = this.#pace.pauseMs(nowMs());
    if (pauseMs > longestPauseMs || this.#pace.refusalsInARow >= maxRefusalsInARow) this.#stall(message, pauseMs);
  }

  /** After the last try, what came of it is the line's result. */
  #tryAgain(line: LiveLine, result: Buffer, pauseMs: number): void {
    if (this.#checkpoint.tries(line.position) < maxTries) this.#retries.push({ line, dueAtMs: nowMs() + pauseMs });
    else this.#gather({ position: line.position, line: result, succeeded: false });
  }

  #gather(answer: Recordable): void {
    if (this.#gathered.length === 0) this.#gatheredSinceMs = nowMs();
    this.#gathered.push(answer);
    this.#gatheredBytes += answer.line.length;
    this.#recordIfDue();
  }

  #recordIfDue(): void {
    const isDue =
      this.#gathered.length >= this.#pace.maxCalls / 2 ||
      this.#gatheredBytes >= maxGatheredBytes ||
      nowMs() - this.#gatheredSinceMs >= gatheringMs;
    if (isDue) this.#record();
  }

  /** One group at a time; what comes meanwhile is the next one. */
  #record(): void {
    if (this.#recording || this.#gathered.length === 0 || this.#stop === 'lost' || this.#stop === 'failed') return;
    const group = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#recordingCount = group.length;
    this.#recording = this.#commit(group)
      .catch((error: unknown) => {
        this.#failure ??= error;
        this.#abandon('failed');
      })
      .finally(() => {
        this.#recording = null;
        this.#recordingCount = 0;
        this.#wake();
      });
  }

  async #commit(group: readonly Recordable[]): Promise<void> {
    const { shard, token } = this.#task;
    const { objects, records } = this.#services;
    const groupIndex = this.#groups;
    this.#groups += 1;
    for (const { position } of group) this.#checkpoint.markAnswered(position);
    this.#checkpoint.countGroup(token);
    const progressKey = liveWorkKey(shard, token, groupIndex, 'progress.json');
    const work = {
      progressKey,
      answered: this.#work.answered + group.length,
      failed: this.#work.failed + group.filter(({ succeeded }) => !succeeded).length,
    };
    const writer = objects.writer(liveWorkKey(shard, token, groupIndex, 'answers.jsonl'));
    for (const { line } of group) await writer.writeLine(line);
    await Promise.all([writer.close(), objects.putText(progressKey, this.#checkpoint.toJson())]);
    const after = await records.updateShard(shard, (current) => recordAnswers(current, token, work));
    if (ownsSlice(after, token)) this.#work = { ...work, lease: null };
    else this.#abandon('lost');
  }

  #tick(): void {
    this.#recordIfDue();
    if (nowMs() - this.#lookedAtMs >= lookEveryMs) {
      this.#lookedAtMs = nowMs();
      void this.#look();
    }
    if (this.#closedAtMs !== null && nowMs() - this.#closedAtMs >= closingGraceMs) this.#abortCalls();
    this.#wake();
  }

  async #look(): Promise<void> {
    try {
      const batch = await this.#services.records.getBatch(this.#task.batch.id);
      const isOpen = batch.status === 'in_progress' && this.#services.now() < batch.deadlineAt * 1_000;
      if (isOpen && batch.epoch === this.#task.batch.epoch) return;
      this.#stop ??= 'closed';
      // Another execution lets the calls end; a closed batch does not wait for them.
      if (!isOpen) this.#closedAtMs ??= nowMs();
    } catch (error) {
      this.#services.log.warn('A live slice could not look at its batch.', {
        batchId: this.#task.batch.id,
        error: safeText(messageOf(error)),
      });
    }
  }

  #stall(message: string, pauseMs: number): void {
    this.#obstacle ??= { message: safeText(message), pauseMs };
    this.#stop ??= 'stalled';
    this.#wake();
  }

  #abandon(stop: 'lost' | 'failed'): void {
    this.#stop = stop;
    this.#abortCalls();
    this.#wake();
  }

  #abortCalls(): void {
    for (const controller of this.#underWay.values()) controller.abort();
  }

  async #waitForWake(milliseconds: number): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([woken, sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }
}

/** The time of a clock that nobody sets, since pauses and budgets must not jump. */
function nowMs(): number {
  return performance.now();
}
