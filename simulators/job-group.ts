/** Jobs of one sort: each runs once however many ask for it, and all can be stopped. */
export class JobGroup<Result> {
  readonly #running = new Map<string, Promise<Result>>();
  readonly #stopping = new AbortController();

  /** Starts the job, or joins the one of this id that is running. After a failure the next call starts anew. */
  run(id: string, job: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const running = this.#running.get(id);
    if (running !== undefined) return running;
    const started = job(this.#stopping.signal).finally(() => this.#running.delete(id));
    this.#running.set(id, started);
    return started;
  }

  /** Starts the job with nobody waiting; a failure is reported here, since the next call tries again. */
  runUnattended(id: string, job: (signal: AbortSignal) => Promise<Result>): void {
    this.run(id, job).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) console.error(`simulator: ${id} failed and will be tried again:`, error);
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#running.values());
  }
}
