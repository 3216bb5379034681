import { join } from 'node:path';
import { z } from 'zod';
import { InvalidInputError, messageOf, safeText } from '../records/errors.ts';
import { parseJson } from '../records/parse-json.ts';
import { RefusedCallError, statusOf } from './answer.ts';
import { type BatchHost, BatchWork } from './batch-work.ts';
import { Budget } from './budget.ts';
import { Claims } from './claims.ts';
import { Gatherer } from './gatherer.ts';
import type { Journal, JournalCounts, KeptAnswer, KeptBatch, Pass } from './journal.ts';
import { callKeyOf, groupingOf, type LiveCall, lineOf } from './live-call.ts';
import { Pace } from './pace.ts';
import type { LiveTarget } from './target.ts';

/** How calls are gathered and sent. */
export interface GatherOptions {
  /** How long nothing may come before what has gathered goes. Default: 5. */
  gatherSeconds?: number;
  /** How long the first of a batch waits at most. Default: 60, or the above where that is longer. */
  maxGatherSeconds?: number;
  /** Requests of one batch at most; never more than the target takes. */
  maxBatchRequests?: number;
  /** How often a request is sent that failed for a reason that may pass. Default: 3. */
  maxAttempts?: number;
  /** Between two looks at a batch. Default: a tenth of its age, at least 1 and at most 60. */
  pollIntervalSeconds?: number;
}

export const gatherOptionNames = {
  gatherSeconds: true,
  maxGatherSeconds: true,
  maxBatchRequests: true,
  maxAttempts: true,
  pollIntervalSeconds: true,
} as const satisfies Record<keyof GatherOptions, true>;

/** @throws InvalidInputError */
export function assertGatherOptions(options: GatherOptions): void {
  for (const name of Object.keys(gatherOptionNames)) {
    const value = Object.entries(options).find(([key]) => key === name)?.[1];
    const isWhole = name === 'maxAttempts' || name === 'maxBatchRequests';
    assertAboveZero(name, value, { isWhole });
  }
}

/** @throws InvalidInputError */
export function assertAboveZero(name: string, value: number | undefined, { isWhole = false } = {}): void {
  if (value === undefined || (value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value)))) return;
  const message = `${name} is a ${isWhole ? 'whole ' : ''}number above 0, not ${value}.`;
  throw new InvalidInputError('invalid_value', message, { param: name });
}

export interface RunOptions extends GatherOptions {
  name: string;
  journal: Journal;
  /** What the run may cost, in US dollars, by the prices of a provider, or as a deployment holds it. */
  maxCostUsd?: number | undefined;
  /** Called when something worth showing changed. */
  onChange?: (() => void) | undefined;
  /** Called once if the run cannot go on; everybody who waits has been told by then. */
  onFailure?: (() => void) | undefined;
}

/** Somebody who waits for an answer. */
export interface Caller {
  answered(answer: KeptAnswer): void;
  /** Another connection of the same caller waits in its place. */
  replaced(): void;
  /** The run cannot go on. What was sent is answered at its next start. */
  failed(failure: RefusedCallError): void;
}

/** A call that was taken. Its caller says what becomes of it. */
export interface Ticket {
  /** The caller has gone without an answer. */
  left(): void;
  /** The answer went out to its end. */
  delivered(): void;
}

/** What a run is at. */
export interface RunState extends JournalCounts {
  gathered: number;
  batches: readonly Pick<KeptBatch, 'id' | 'step' | 'requests' | 'providerBatchId' | 'problem'>[];
  /** Of batches that have ended, in US dollars; null where a price is not known. */
  spentUsd: number | null;
  /** What the same would have cost as live calls. */
  liveUsd: number | null;
  /** What few calls in flight mean for the time it takes; null where there is nothing to say. */
  pace: string | null;
}

/** What was gathered and waits for its turn. */
interface Backlog {
  target: LiveTarget;
  endpoint: string;
  grouping: string;
  requestIds: number[];
}

/** What `callKeyOf` and lines need of a custom_id before there is one: the longest that there will be. */
const placeholderId = 'x'.repeat(40);
const tidyEveryMs = 3_600_000;
const defaultGatherSeconds = 5;
const defaultMaxGatherSeconds = 60;

/** The calls of one run: which request each is for, who waits, and the batches that carry them. */
export class LiveRun {
  readonly name: string;
  readonly journal: Journal;
  readonly #options: RunOptions;
  readonly #claims: Claims;
  readonly #holders = new Map<number, Holder>();
  readonly #gatherers = new Map<string, Gatherer>();
  readonly #targets = new Map<string, LiveTarget>();
  readonly #works = new Set<Promise<void>>();
  readonly #open = new Map<number, KeptBatch>();
  readonly #backlog: Backlog[] = [];
  readonly #stopped = new AbortController();
  readonly #pace = new Pace();
  readonly #budget: Budget;
  #spentUsd = 0;
  #failure: unknown = null;
  readonly #tidier: NodeJS.Timeout;
  #keptAlive: NodeJS.Timeout | undefined;

  constructor(options: RunOptions) {
    this.name = options.name;
    this.journal = options.journal;
    this.#options = options;
    this.#claims = new Claims(this.journal);
    this.#spentUsd = this.journal.costs().spentUsd ?? Number.POSITIVE_INFINITY;
    this.#budget = new Budget(options.maxCostUsd ?? null, () => this.#spentUsd);
    const tidy = () => this.#guarded(() => this.journal.forgetOld(Date.now()));
    this.journal.onFailure = (error) => this.#fail(error);
    this.#tidier = setInterval(tidy, tidyEveryMs).unref();
  }

  /** Why the run cannot go on; null while it can. */
  get failure(): RefusedCallError | null {
    if (this.#failure === null) return null;
    const message = `The run '${this.name}' has stopped. ${safeText(messageOf(this.#failure))}`;
    return new RefusedCallError(500, 'run_failed', message);
  }

  /** Does what nobody waits for: where it fails, the run does, and whoever waits is told. */
  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Without its journal a run cannot keep what it promises. At an end that is wanted, what was not written is not missed. */
  #fail(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    this.#failure = error ?? new Error('unknown');
    this.#halt();
    const holders = [...this.#holders.values()];
    this.#holders.clear();
    const { failure } = this;
    for (const { caller } of holders) if (failure) caller.failed(failure);
    this.#options.onFailure?.();
  }

  #assertWorks(): void {
    const { failure } = this;
    if (failure) throw failure;
  }

  /** Makes a target known, and goes on with the batches that an earlier process left there. */
  attach(target: LiveTarget): void {
    if (this.#targets.has(target.id)) return;
    this.#targets.set(target.id, target);
    for (const batch of this.journal.openBatches()) {
      if (batch.account !== target.id) continue;
      this.#budget.resume(batch.id, this.journal.estimateOf(batch.id));
      this.#work(target, batch);
    }
  }

  pass(name: string): Pass {
    return this.journal.pass(name, Date.now());
  }

  /**
   * Takes a call: it is in the journal when this returns.
   *
   * @throws RefusedCallError for what would be refused in a batch, and where the run cannot go on.
   */
  take(call: LiveCall, target: LiveTarget, pass: Pass, caller: Caller): Ticket {
    this.#assertWorks();
    target.assertSendable(call);
    const { steps } = target.connectionFor(call);
    const checked = steps.check(lineOf(placeholderId, call.endpoint, call.body), call.endpoint);
    if ('code' in checked) {
      const { code, message, param } = checked;
      throw new RefusedCallError(statusOf(code), code, message, param?.replace(/^(body|params)\./, '') ?? null);
    }
    const grouping = groupingOf(call, steps.mixesModels ? '' : checked.model);
    const usd = target.pricing?.atMost(checked.request, checked.model, checked.sentBytes)?.batchUsd ?? null;
    const { request, kind } = this.#claims.claim({
      callKey: callKeyOf(target.id, call),
      pass,
      account: target.id,
      grouping,
      endpoint: call.endpoint,
      body: call.body,
      retryCount: call.retryCount,
      estimateUsd: usd,
      nowMs: Date.now(),
    });
    const isSentAnew = kind === 'new' || (request.status === null && request.batch === null);
    if (isSentAnew) this.#reserve(request.id, usd, checked.model, target);
    this.#holders.get(request.id)?.caller.replaced();
    const holder = new Holder(request.id, caller, this);
    this.#holders.set(request.id, holder);
    this.#stayAlive();
    if (isSentAnew) this.#gathererOf(target, call, grouping).add(request.id, checked.sentBytes);
    else if (request.status !== null) queueMicrotask(() => this.#giveAgain(holder));
    this.#assertWorks();
    this.#changed();
    return holder;
  }

  /** A call that would pass the cap is not taken; what it would have been for stays unsent. */
  #reserve(requestId: number, usd: number | null, model: string, { pricing }: LiveTarget): void {
    try {
      this.#budget.release(requestId);
      if (pricing) this.#budget.assertFits(usd, model);
      else this.#budget.assertLeft();
      this.#budget.reserve(requestId, usd ?? 0);
    } catch (error) {
      this.journal.left(requestId, Date.now());
      throw error;
    }
  }

  #giveAgain(holder: Holder): void {
    this.#guarded(() => {
      const answer = this.journal.answerOf(holder.requestId);
      if (answer) holder.caller.answered(answer);
    });
  }

  /** @internal Of a holder that no longer waits, for what reason ever. */
  release(holder: Holder, isDelivered: boolean): void {
    if (this.#holders.get(holder.requestId) !== holder) return;
    this.#holders.delete(holder.requestId);
    this.#guarded(() =>
      this.journal.grouped(() => {
        if (isDelivered) this.journal.delivered(holder.requestId, Date.now());
        else this.journal.left(holder.requestId, Date.now());
      }),
    );
    this.#budget.release(holder.requestId);
    if (this.#holders.size === 0) {
      clearInterval(this.#keptAlive);
      this.#keptAlive = undefined;
    }
    this.#changed();
  }

  /** Whoever waits keeps the program alive; batches alone do not. */
  #stayAlive(): void {
    this.#keptAlive ??= setInterval(() => undefined, 2 ** 31 - 1);
  }

  #gathererOf(target: LiveTarget, call: Pick<LiveCall, 'beta' | 'billing' | 'endpoint'>, grouping: string): Gatherer {
    const name = `${target.id} ${grouping}`;
    const known = this.#gatherers.get(name);
    if (known) return known;
    const { size } = target.connectionFor(call).steps;
    const { gatherSeconds = defaultGatherSeconds, maxGatherSeconds, maxBatchRequests } = this.#options;
    const bounds = {
      quietSeconds: gatherSeconds,
      maxAgeSeconds: maxGatherSeconds ?? Math.max(defaultMaxGatherSeconds, gatherSeconds),
      maxRequests: Math.min(maxBatchRequests ?? size.maxRequests, size.maxRequests),
      // What surrounds the lines is little, and ids differ in length by a few bytes.
      maxBytes: Math.floor(size.maxBytes * 0.98),
    };
    const send = (ids: number[]) => this.#guarded(() => this.#send(target, call.endpoint, grouping, ids));
    const made = new Gatherer(bounds, send);
    this.#gatherers.set(name, made);
    return made;
  }

  /** A request is sent only while somebody waits for it. */
  #send(target: LiveTarget, endpoint: string, grouping: string, requestIds: number[]): void {
    const wanted = requestIds.filter((id) => this.#holders.has(id));
    if (wanted.length === 0) return;
    if (this.#mustWait(target)) {
      this.#backlog.push({ target, endpoint, grouping, requestIds: wanted });
      return;
    }
    this.#pace.sent(wanted.length);
    const batch = this.journal.beginBatch({ account: target.id, grouping, endpoint }, wanted);
    this.#budget.sent(batch.id, wanted);
    this.#work(target, batch);
  }

  /** Where the target holds the cap, each batch may cost all that is left: the next one waits for what it did cost. */
  #mustWait({ id, pricing }: LiveTarget): boolean {
    const hasCap = this.#options.maxCostUsd !== undefined && pricing === null;
    return hasCap && this.#open.values().some(({ account }) => account === id);
  }

  #sendNext(): void {
    for (let next = this.#backlog.shift(); next; next = this.#backlog.shift()) {
      this.#send(next.target, next.endpoint, next.grouping, next.requestIds);
      if (this.#mustWait(next.target)) return;
    }
  }

  #work(target: LiveTarget, batch: KeptBatch): void {
    const [, , beta, billing] = groupingSchema.parse(parseJson(batch.grouping));
    const connection = target.connectionFor({ beta, billing });
    this.#open.set(batch.id, batch);
    const work = new BatchWork(this.#host(target, { beta, billing }), connection, batch)
      .run()
      .then(() => this.#ended(batch.id))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#works.delete(work));
    this.#works.add(work);
    this.#changed();
  }

  #ended(batchId: number): void {
    if (this.#stopped.signal.aborted) return;
    this.#open.delete(batchId);
    this.#spentUsd = this.journal.costs().spentUsd ?? Number.POSITIVE_INFINITY;
    this.#budget.ended(batchId);
    this.#sendNext();
    this.#changed();
  }

  #host(target: LiveTarget, headers: Pick<LiveCall, 'beta' | 'billing'>): BatchHost {
    return {
      journal: this.journal,
      runName: this.name,
      maxAttempts: this.#options.maxAttempts ?? 3,
      pricing: target.pricing,
      maxCostUsd: () => (target.pricing === null ? this.#budget.leftUsd : undefined),
      pollIntervalSeconds: this.#options.pollIntervalSeconds,
      signal: this.#stopped.signal,
      now: Date.now,
      isWanted: (requestId) => this.#holders.has(requestId),
      answered: (answers) => this.#handOut(answers),
      freed: (requestIds) => this.#gatherAgain(target, headers, requestIds),
      changed: (batch) => {
        this.#open.set(batch.id, batch);
        this.#changed();
      },
    };
  }

  #handOut(answers: readonly (readonly [number, KeptAnswer])[]): void {
    this.#pace.answered(answers.length);
    for (const [id, answer] of answers) this.#holders.get(id)?.caller.answered(answer);
    this.#changed();
  }

  #gatherAgain(target: LiveTarget, headers: Pick<LiveCall, 'beta' | 'billing'>, requestIds: readonly number[]): void {
    for (const id of requestIds) {
      const request = this.journal.request(id);
      if (!request || !this.#holders.has(id)) continue;
      const [endpoint] = groupingSchema.parse(parseJson(request.grouping));
      this.#budget.reserve(id, request.estimateUsd ?? 0);
      this.#gathererOf(target, { ...headers, endpoint }, request.grouping).add(id, request.bytes);
    }
  }

  #changed(): void {
    this.#options.onChange?.();
  }

  state(): RunState {
    return {
      ...this.journal.counts(),
      gathered: this.#gathered(),
      batches: [...this.#open.values()],
      ...this.journal.costs(),
      pace: this.#pace.advice,
    };
  }

  #gathered(): number {
    const gathering = [...this.#gatherers.values()].reduce((sum, { size }) => sum + size, 0);
    return this.#backlog.reduce((sum, { requestIds }) => sum + requestIds.length, gathering);
  }

  /** What few calls in flight mean for the time that it takes; null where there is nothing to say. */
  get pace(): string | null {
    return this.#pace.advice;
  }

  /** Stops where it is: nothing is broken off at the target, and the next start goes on. Callers are let go. */
  async close(): Promise<void> {
    this.stop();
    await Promise.allSettled(this.#works);
    this.journal.close();
  }

  /** The same at once, for a process that is about to end. */
  stop(): void {
    this.#halt();
    for (const holder of [...this.#holders.values()]) holder.left();
  }

  #halt(): void {
    this.#stopped.abort(new Error('The run was stopped.'));
    for (const gatherer of this.#gatherers.values()) gatherer.stop();
    clearInterval(this.#tidier);
    clearInterval(this.#keptAlive);
  }
}

/** One caller of one request. */
class Holder implements Ticket {
  readonly requestId: number;
  readonly caller: Caller;
  readonly #run: LiveRun;

  constructor(requestId: number, caller: Caller, run: LiveRun) {
    this.requestId = requestId;
    this.caller = caller;
    this.#run = run;
  }

  left(): void {
    this.#run.release(this, false);
  }

  delivered(): void {
    this.#run.release(this, true);
  }
}

const groupingSchema = z.tuple([
  z.custom<LiveCall['endpoint']>((value) => typeof value === 'string'),
  z.string(),
  z.string().nullable(),
  z.record(z.string(), z.string()),
]);

/** Where a run's journal is, unless told otherwise. */
export function journalFolder(runName: string): string {
  return join('.batchdrop', 'live', folderName(runName));
}

/** @throws InvalidInputError for a name that is none of a folder. */
export function folderName(runName: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(runName)) return runName;
  throw new InvalidInputError(
    'invalid_value',
    `The run's name '${runName.slice(0, 120)}' has up to 100 characters of a-z, A-Z, 0-9, _ and -, and begins with a letter or a digit.`,
    { param: 'run' },
  );
}
