import type { ObjectCreatedEvent } from './object-created-event.ts';

/** Enough to keep a handler that waits on other local servers busy, few enough not to swamp them. */
const maxConcurrentDeliveries = 16;
const firstRetryMilliseconds = 100;
const maxRetryMilliseconds = 30_000;

interface EventDeliveryOptions {
  deliver: (event: ObjectCreatedEvent) => Promise<void>;
  /** Called once the handler has resolved; until then the event is to be kept. */
  onDelivered: (event: ObjectCreatedEvent) => void;
}

interface QueuedEvent {
  event: ObjectCreatedEvent;
  failures: number;
}

/**
 * Hands events to the handler, at least once each, in no promised order.
 *
 * A rejected event waits apart from the others (100 ms, doubling up to 30 s) and is tried without an end.
 */
export class EventDelivery {
  readonly #options: EventDeliveryOptions;
  readonly #queue: QueuedEvent[] = [];
  readonly #retryTimers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: EventDeliveryOptions) {
    this.#options = options;
  }

  enqueue(event: ObjectCreatedEvent): void {
    this.#enqueue({ event, failures: 0 });
  }

  /** Starts nothing more; resolves once the handlers that run have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#retryTimers) {
      clearTimeout(timer);
    }
    await Promise.all(this.#running);
  }

  #enqueue(queued: QueuedEvent): void {
    this.#queue.push(queued);
    // Not in this turn: the request that made the event is answered first.
    setImmediate(() => this.#startDeliveries());
  }

  #startDeliveries(): void {
    while (!this.#isClosed && this.#running.size < maxConcurrentDeliveries) {
      const queued = this.#queue.shift();
      if (queued === undefined) {
        return;
      }
      const delivery = this.#deliver(queued).finally(() => {
        this.#running.delete(delivery);
        this.#startDeliveries();
      });
      this.#running.add(delivery);
    }
  }

  async #deliver(queued: QueuedEvent): Promise<void> {
    try {
      await this.#options.deliver(queued.event);
      this.#options.onDelivered(queued.event);
    } catch {
      // The handler reports its own errors; to us a rejection only means "again".
      this.#retryLater({ event: queued.event, failures: queued.failures + 1 });
    }
  }

  #retryLater(queued: QueuedEvent): void {
    if (this.#isClosed) {
      return;
    }
    const milliseconds = Math.min(firstRetryMilliseconds * 2 ** (queued.failures - 1), maxRetryMilliseconds);
    const timer = setTimeout(() => {
      this.#retryTimers.delete(timer);
      this.#enqueue(queued);
    }, milliseconds);
    this.#retryTimers.add(timer);
  }
}
