import { RefusedCallError } from './answer.ts';

/** A cap on what a run costs: what was spent, and what everything costs at most that is on its way. */
export class Budget {
  readonly #capUsd: number | null;
  readonly #spentUsd: () => number;
  readonly #unsent = new Map<number, number>();
  readonly #sent = new Map<number, number>();
  #openUsd = 0;

  /** @param capUsd null without a cap. */
  constructor(capUsd: number | null, spentUsd: () => number) {
    this.#capUsd = capUsd;
    this.#spentUsd = spentUsd;
  }

  /**
   * Asks whether one more request fits under the cap.
   *
   * @param usd what it costs at most; null where nobody knows.
   * @throws RefusedCallError
   */
  assertFits(usd: number | null, model: string): void {
    if (this.#capUsd === null) return;
    if (usd === null) {
      const message = `The run has a cap of $${this.#capUsd}, and the price of '${model}' is not known, its output has no bound, or the provider runs tools for it. Take the cap off, name max_tokens, or leave such tools out.`;
      throw new RefusedCallError(429, 'budget_exceeded', message);
    }
    const committed = this.#spentUsd() + this.#openUsd;
    if (committed + usd <= this.#capUsd) return;
    if (!Number.isFinite(committed)) {
      const message =
        'The run has a cap on its cost, and what an earlier batch of it cost is not known. Begin another run.';
      throw new RefusedCallError(429, 'budget_exceeded', message);
    }
    const message = `This request may cost $${usd.toFixed(6)}, and $${committed.toFixed(6)} of the run's $${this.#capUsd} are spent or on their way. Raise the cap (--max-cost-usd, maxCostUsd), or begin another run.`;
    throw new RefusedCallError(429, 'budget_exceeded', message);
  }

  /**
   * The same where the target prices a request, and holds what is left for each batch.
   *
   * @throws RefusedCallError
   */
  assertLeft(): void {
    if (this.#capUsd === null || this.#spentUsd() < this.#capUsd) return;
    this.assertFits(0, '');
    const message = `The run's $${this.#capUsd} are spent. Raise the cap (--max-cost-usd, maxCostUsd), or begin another run.`;
    throw new RefusedCallError(429, 'budget_exceeded', message);
  }

  /** What is not spent; undefined without a cap. */
  get leftUsd(): number | undefined {
    return this.#capUsd === null ? undefined : this.#capUsd - this.#spentUsd();
  }

  reserve(requestId: number, usd: number): void {
    this.release(requestId);
    this.#unsent.set(requestId, usd);
    this.#openUsd += usd;
  }

  /** A request that was not sent will not be, or is counted anew. */
  release(requestId: number): void {
    this.#openUsd -= this.#unsent.get(requestId) ?? 0;
    this.#unsent.delete(requestId);
  }

  /** What was reserved for these stays so until their batch has ended. */
  sent(batchId: number, requestIds: readonly number[]): void {
    const usd = requestIds.reduce((sum, id) => sum + (this.#unsent.get(id) ?? 0), 0);
    for (const id of requestIds) this.#unsent.delete(id);
    this.#sent.set(batchId, usd);
  }

  /** A batch that an earlier process sent. */
  resume(batchId: number, usd: number): void {
    if (this.#sent.has(batchId)) return;
    this.#sent.set(batchId, usd);
    this.#openUsd += usd;
  }

  /** What the batch cost is spent now, or it was never created. */
  ended(batchId: number): void {
    this.#openUsd -= this.#sent.get(batchId) ?? 0;
    this.#sent.delete(batchId);
  }
}
