import type { LiveSettings } from '../../providers/config.ts';
import { maxRetryAfterSeconds } from '../../records/schedule.ts';

/** Calls that a slice begins with; each answer adds one until the endpoint first says that it is too much. */
const firstLimit = 16;
const firstPauseMs = 500;
const longestPauseMs = 60_000;

/**
 * Says when the next call may go: additive increase and multiplicative decrease of the calls under way, pauses that the
 * endpoint asks for, budgets per minute. Times are of a clock that only goes forward, in milliseconds.
 */
export class LivePace {
  readonly #maxCalls: number;
  readonly #requests: Budget | null;
  readonly #tokens: Budget | null;
  #limit: number;
  #isProbing = true;
  #decreasedAtMs = Number.NEGATIVE_INFINITY;
  #resumesAtMs = 0;
  #decreases = 0;

  /** @param settings of the account; this function has its share of them. */
  constructor(settings: LiveSettings, nowMs: number) {
    const { functions, maxConcurrency, requestsPerMinute, tokensPerMinute } = settings;
    this.#maxCalls = Math.max(1, Math.floor(maxConcurrency / functions));
    this.#limit = Math.min(firstLimit, this.#maxCalls);
    this.#requests = requestsPerMinute === null ? null : new Budget(requestsPerMinute / functions, nowMs);
    this.#tokens = tokensPerMinute === null ? null : new Budget(tokensPerMinute / functions, nowMs);
  }

  /** Calls whose answers are not recorded yet, at most. */
  get maxCalls(): number {
    return this.#maxCalls;
  }

  /** Calls under way at present, at most. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get countsTokens(): boolean {
    return this.#tokens !== null;
  }

  /** How often in a row the endpoint said that it was too much, each time after we had sent less. */
  get refusalsInARow(): number {
    return this.#decreases;
  }

  /** @returns 0 where a call may go now. */
  waitMs(nowMs: number, tokens: number): number {
    return Math.max(
      0,
      this.#resumesAtMs - nowMs,
      this.#requests?.waitMs(nowMs, 1) ?? 0,
      this.#tokens?.waitMs(nowMs, tokens) ?? 0,
    );
  }

  /** What the endpoint asked for: how long it wants to be left alone. */
  pauseMs(nowMs: number): number {
    return Math.max(0, this.#resumesAtMs - nowMs);
  }

  noteCall(nowMs: number, tokens: number): void {
    this.#requests?.take(nowMs, 1);
    this.#tokens?.take(nowMs, tokens);
  }

  /** @param used null where the endpoint did not say. */
  noteAnswer(nowMs: number, estimated: number, used: number | null): void {
    this.#decreases = 0;
    this.#limit = Math.min(this.#maxCalls, this.#limit + (this.#isProbing ? 1 : 1 / this.#limit));
    if (used !== null) this.#tokens?.take(nowMs, used - estimated);
  }

  /** Many calls are refused at once; those that began before the last decrease do not count again. */
  noteRefusal(beganAtMs: number, nowMs: number, retryAfterSeconds: number | null): void {
    const isNew = beganAtMs >= this.#decreasedAtMs;
    if (isNew) {
      this.#isProbing = false;
      this.#limit = Math.max(1, this.#limit / 2);
      this.#decreasedAtMs = nowMs;
      this.#decreases += 1;
    }
    const ownPauseMs = isNew ? Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#decreases - 1)) : 0;
    const pauseMs = retryAfterSeconds === null ? ownPauseMs : Math.min(retryAfterSeconds, maxRetryAfterSeconds) * 1_000;
    this.#resumesAtMs = Math.max(this.#resumesAtMs, nowMs + pauseMs);
  }
}

/**
 * A bucket that fills evenly and is empty at first. What it holds at most and what flows in within a minute are together
 * the budget, so no minute sees more, wherever it begins; only a single request larger than the bucket may.
 */
class Budget {
  readonly #capacity: number;
  readonly #perMs: number;
  #level = 0;
  #filledAtMs: number;

  constructor(perMinute: number, nowMs: number) {
    this.#capacity = Math.max(1, Math.ceil(perMinute / 600));
    this.#perMs = Math.max(perMinute - this.#capacity, perMinute / 2) / 60_000;
    this.#filledAtMs = nowMs;
  }

  waitMs(nowMs: number, amount: number): number {
    this.#fill(nowMs);
    const missing = Math.min(amount, this.#capacity) - this.#level;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs);
  }

  /** A negative amount is given back. */
  take(nowMs: number, amount: number): void {
    this.#fill(nowMs);
    this.#level = Math.min(this.#capacity, this.#level - amount);
  }

  #fill(nowMs: number): void {
    this.#level = Math.min(this.#capacity, this.#level + (nowMs - this.#filledAtMs) * this.#perMs);
    this.#filledAtMs = nowMs;
  }
}
