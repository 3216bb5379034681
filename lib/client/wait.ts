import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { type Batch, batchFrom } from './batch.ts';
import { type BatchIdOptions, batchIdOptionNames, retrieveBatch } from './batches.ts';
import { type Connection, connect } from './connection.ts';
import { untilEnded } from './deployment/wait.ts';
import { AbortError, ConnectionError, RateLimitError, TimeoutError } from './errors.ts';
import { assertKnownOptions } from './known-options.ts';

export interface WaitOptions {
  /** Between two looks. Default: a tenth of the time waited so far, at least 1 and at most 60. */
  pollIntervalSeconds?: number;
  /** Default: as long as it takes. */
  timeoutSeconds?: number;
  signal?: AbortSignal;
  /** Called with the batch after each look. */
  onProgress?: (batch: Batch) => void;
}

export const waitOptionNames = {
  pollIntervalSeconds: true,
  timeoutSeconds: true,
  signal: true,
  onProgress: true,
} as const satisfies Record<keyof WaitOptions, true>;

/** setTimeout's longest, about 24 days. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * @throws InvalidInputError
 */
export function assertWaitOptions({ pollIntervalSeconds, timeoutSeconds }: WaitOptions): void {
  for (const [param, value] of Object.entries({ pollIntervalSeconds, timeoutSeconds })) {
    if (value !== undefined && !(value > 0))
      throw new InvalidInputError('invalid_value', `${param} is a number of seconds above 0, not ${value}.`, { param });
  }
}

/** A signal that ends with the caller's, or with the time. */
export class Patience {
  readonly #timer = new AbortController();
  readonly #timeout: NodeJS.Timeout | undefined;
  readonly #caller: AbortSignal | undefined;
  readonly #timeoutSeconds: number | undefined;
  readonly signal: AbortSignal;

  constructor({ signal, timeoutSeconds }: WaitOptions) {
    this.#caller = signal;
    this.#timeoutSeconds = timeoutSeconds;
    if (timeoutSeconds !== undefined)
      this.#timeout = setTimeout(() => this.#timer.abort(), Math.min(timeoutSeconds * 1000, maxTimerMs));
    this.signal = signal ? AbortSignal.any([signal, this.#timer.signal]) : this.#timer.signal;
  }

  /** Must be called in the end. */
  stop(): void {
    clearTimeout(this.#timeout);
  }

  /** Why it is over. @param what became of the batch. */
  error(batchId: string | null, what: string): AbortError | TimeoutError {
    const options = { cause: this.signal.reason };
    if (this.#caller?.aborted) return new AbortError(`Aborted. ${what}`, batchId, options);
    return new TimeoutError(`Not done within ${this.#timeoutSeconds} s. ${what}`, batchId, options);
  }
}

/** Looks at a batch until it has ended. A look that fails is repeated. The signal ends the waiting; its reason is thrown. */
export async function watchedToEnd(
  { client, call }: Connection,
  first: Batch,
  { pollIntervalSeconds, onProgress }: WaitOptions,
  signal: AbortSignal,
): Promise<Batch> {
  const { id, endpoint } = first;
  const look = async () => batchFrom(await call(() => client.describe(id, signal)), endpoint);
  return await untilEnded({ first, look, mayPass, onProgress, intervalSeconds: pollIntervalSeconds, signal });
}

/** Not found is what some providers answer just after a creation. */
function mayPass(error: unknown): boolean {
  return error instanceof ConnectionError || error instanceof RateLimitError || error instanceof NotFoundError;
}

/** Without what is about waiting. */
function targetAndId(options: BatchIdOptions & WaitOptions): BatchIdOptions {
  const { pollIntervalSeconds: _pause, timeoutSeconds: _limit, onProgress: _told, ...rest } = options;
  return rest;
}

/**
 * Waits until a batch has ended. Giving up leaves the batch as it is.
 *
 * @throws TimeoutError, AbortError with the batch's id; the batch goes on.
 */
export async function waitForBatch(options: BatchIdOptions & WaitOptions): Promise<Batch> {
  assertKnownOptions(options, { ...batchIdOptionNames, ...waitOptionNames });
  assertWaitOptions(options);
  const patience = new Patience(options);
  try {
    const first = await retrieveBatch({ ...targetAndId(options), signal: patience.signal });
    return await watchedToEnd(connect(options), first, options, patience.signal);
  } catch (error) {
    throw patience.signal.aborted ? patience.error(options.batchId, 'The batch goes on.') : error;
  } finally {
    patience.stop();
  }
}
