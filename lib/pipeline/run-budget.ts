import type { StepContext } from './services.ts';

/** Left of a run's time when it stops, to end its objects and to write its checkpoint: 10 million custom_ids are 120 MB. */
const checkpointMs = 120_000;

/**
 * Tells a run that goes through much when to stop: as soon as its time is shorter than the reserve and the longest of its
 * steps so far. Nothing is assumed of how fast S3 or a function is.
 */
export class RunBudget {
  readonly #context: Pick<StepContext, 'remainingMs'>;
  readonly #reserveMs: number;
  #remainingMs: number;
  #longestStepMs = 0;

  constructor(context: Pick<StepContext, 'remainingMs'>, reserveMs = checkpointMs) {
    this.#context = context;
    this.#reserveMs = reserveMs;
    this.#remainingMs = context.remainingMs();
  }

  /** To be asked between two steps: never before the first one, so that every run gets further, and not after the last one. */
  mustStop(): boolean {
    const remainingMs = this.#context.remainingMs();
    this.#longestStepMs = Math.max(this.#longestStepMs, this.#remainingMs - remainingMs);
    this.#remainingMs = remainingMs;
    return remainingMs < this.#reserveMs + this.#longestStepMs;
  }

  /** Runs a step beside others, whose time counts as a whole. */
  async time<Result>(step: () => Promise<Result>): Promise<Result> {
    const startedWithMs = this.#context.remainingMs();
    try {
      return await step();
    } finally {
      this.#longestStepMs = Math.max(this.#longestStepMs, startedWithMs - this.#context.remainingMs());
    }
  }
}
