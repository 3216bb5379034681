import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FunctionName, functionTimeoutSeconds } from '../lib/records/function-timeouts.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';

/** The part of Lambda's context that is given here, and a signal that ends with the call's time or with the stack. */
export interface LocalContext {
  functionName: string;
  awsRequestId: string;
  getRemainingTimeInMillis(): number;
  signal: AbortSignal;
}

export type FunctionHandler = (event: unknown, context: LocalContext) => Promise<unknown>;

export interface FunctionInvokerOptions {
  /** Called once for each function, before its first call. */
  load(name: FunctionName): Promise<FunctionHandler>;
  timeoutSeconds?: Record<FunctionName, number>;
  maxConcurrent?: number;
}

/** Handlers mostly wait for other local servers; more of them at a time only share the same processor. */
const defaultMaxConcurrent = 64;
/** While drops are taken in, so that each soon has its status file, however many come at once. */
const maxConcurrentBesideIntake = 2;
const closingGraceMilliseconds = 1_000;

/** A call that passed its function's timeout, named as Lambda names it. */
export class FunctionTimedOutError extends Error {
  override readonly name = 'Sandbox.Timedout';

  constructor(requestId: string, seconds: number) {
    super(`RequestId: ${requestId} Error: Task timed out after ${seconds.toFixed(2)} seconds`);
  }
}

/** The stack stops; nothing is started any more. */
export class StoppingError extends Error {
  override readonly name = 'StoppingError';

  constructor() {
    super('The local stack is stopping.');
  }
}

/**
 * Calls functions as Lambda would: events and answers pass as JSON, a call that takes too long fails, and a bounded
 * number runs at a time: whoever calls intake keeps to a bound of its own, and goes before all others. A call that failed or
 * timed out is not repeated; that is its caller's decision.
 */
export class FunctionInvoker {
  readonly #options: FunctionInvokerOptions;
  readonly #handlers = new Map<FunctionName, Promise<FunctionHandler>>();
  readonly #limit: ConcurrencyLimit;
  #intakes = 0;
  readonly #running = new Map<AbortController, Promise<unknown>>();
  #isStopping = false;

  constructor(options: FunctionInvokerOptions) {
    this.#options = options;
    const most = options.maxConcurrent ?? defaultMaxConcurrent;
    this.#limit = new ConcurrencyLimit(() => (this.#intakes > 0 ? Math.min(most, maxConcurrentBesideIntake) : most));
  }

  /**
   * @returns what the function answered.
   * @throws what the function threw, FunctionTimedOutError, or StoppingError.
   */
  async invoke(name: FunctionName, event: unknown): Promise<unknown> {
    if (name !== 'intake') return this.#limit.run(() => this.#call(name, event));
    this.#intakes += 1;
    try {
      return await this.#call(name, event);
    } finally {
      this.#intakes -= 1;
      this.#limit.review();
    }
  }

  async #call(name: FunctionName, event: unknown): Promise<unknown> {
    if (this.#isStopping) throw new StoppingError();
    const handler = await this.#load(name);
    const answer = await this.#callWithTimeout(name, handler, throughJson(event));
    return throughJson(answer ?? null);
  }

  /** Aborts the calls that run and gives them a moment to end. */
  async close(): Promise<void> {
    this.#isStopping = true;
    for (const end of this.#running.keys()) end.abort(new StoppingError());
    await Promise.race([
      Promise.allSettled(this.#running.values()),
      sleep(closingGraceMilliseconds, undefined, { ref: false }),
    ]);
  }

  #load(name: FunctionName): Promise<FunctionHandler> {
    const known = this.#handlers.get(name);
    if (known) return known;
    const loading = this.#options.load(name);
    this.#handlers.set(name, loading);
    loading.catch(() => this.#handlers.delete(name));
    return loading;
  }

  async #callWithTimeout(name: FunctionName, handler: FunctionHandler, event: unknown): Promise<unknown> {
    const seconds = (this.#options.timeoutSeconds ?? functionTimeoutSeconds)[name];
    const requestId = randomUUID();
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(new FunctionTimedOutError(requestId, seconds)), seconds * 1_000);
    const endsAtMs = Date.now() + seconds * 1_000;
    const call = handler(event, {
      functionName: name,
      awsRequestId: requestId,
      getRemainingTimeInMillis: () => Math.max(0, endsAtMs - Date.now()),
      signal: end.signal,
    });
    this.#track(end, call);
    try {
      return await Promise.race([call, rejectionOf(end.signal)]);
    } finally {
      clearTimeout(timer);
    }
  }

  #track(end: AbortController, call: Promise<unknown>): void {
    const forget = () => this.#running.delete(end);
    this.#running.set(end, call.then(forget, forget));
  }
}

/** Rejects with the signal's reason once it is aborted. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** What a value is on the other side of the wire. */
function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
