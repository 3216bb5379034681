/** Bounds of a batch that is gathered. */
export interface GatherBounds {
  /** How long nothing may come before what has gathered goes. */
  quietSeconds: number;
  /** How long the first one waits at most. */
  maxAgeSeconds: number;
  maxRequests: number;
  maxBytes: number;
}

/** Gathers requests until it was quiet for a while, or a bound is reached. */
export class Gatherer {
  readonly #bounds: GatherBounds;
  readonly #send: (requestIds: number[]) => void;
  readonly #bytesOf = new Map<number, number>();
  #bytes = 0;
  #firstAtMs = 0;
  #lastAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param send is given the requests in the order in which they came. */
  constructor(bounds: GatherBounds, send: (requestIds: number[]) => void) {
    this.#bounds = bounds;
    this.#send = send;
  }

  get size(): number {
    return this.#bytesOf.size;
  }

  /** @param bytes as it is sent. */
  add(requestId: number, bytes: number): void {
    const { maxRequests, maxBytes } = this.#bounds;
    if (this.#bytesOf.has(requestId)) return;
    if (this.#bytes + bytes > maxBytes) this.flush();
    const now = performance.now();
    if (this.#bytesOf.size === 0) this.#firstAtMs = now;
    this.#lastAtMs = now;
    this.#bytesOf.set(requestId, bytes);
    this.#bytes += bytes;
    if (this.#bytesOf.size >= maxRequests) this.flush();
    else this.#timer ??= this.#wake(this.#remainingMs(now));
  }

  /** Sends what has gathered, now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#bytesOf.size === 0) return;
    const requestIds = [...this.#bytesOf.keys()];
    this.#bytesOf.clear();
    this.#bytes = 0;
    this.#send(requestIds);
  }

  /** Nothing more is sent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#bytesOf.clear();
  }

  #remainingMs(now: number): number {
    const { quietSeconds, maxAgeSeconds } = this.#bounds;
    return Math.min(this.#lastAtMs + quietSeconds * 1000, this.#firstAtMs + maxAgeSeconds * 1000) - now;
  }

  /** One timer, set anew where something came meanwhile. It keeps no program alive: whoever waits does. */
  #wake(milliseconds: number): NodeJS.Timeout {
    return setTimeout(
      () => {
        this.#timer = undefined;
        const remaining = this.#remainingMs(performance.now());
        if (remaining > 0) this.#timer = this.#wake(remaining);
        else this.flush();
      },
      Math.max(1, milliseconds),
    ).unref();
  }
}
