import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface ChildOptions {
  args?: string[];
  environment?: NodeJS.ProcessEnv;
  onMessage?: (message: unknown) => void;
  /** Called where it ends without having been killed from here. */
  onDeath?: () => void;
  /** Gets what it says on standard error, at its end. */
  errorFile?: string;
}

/** A script, by its path from this folder, in a process of its own, which can be killed without a warning. */
export class Child {
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown>;
  #isToDie = false;

  constructor(script: string, options: ChildOptions) {
    this.#process = fork(fileURLToPath(new URL(script, import.meta.url)), options.args ?? [], {
      execArgv: [],
      env: { ...process.env, ...options.environment },
      stdio: [
        'ignore',
        'ignore',
        options.errorFile === undefined ? 'inherit' : openSync(options.errorFile, 'a'),
        'ipc',
      ],
    });
    this.#exit = once(this.#process, 'exit');
    void this.#exit.then(() => {
      if (!this.#isToDie) options.onDeath?.();
    });
    if (options.onMessage) this.#process.on('message', options.onMessage);
  }

  /** @returns the first message that `read` understands. Its own death before that is an error. */
  async firstMessage<Result>(read: (message: unknown) => Result | null): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#process.on('message', (message) => {
      const result = read(message);
      if (result !== null) resolve(result);
    });
    void this.#exit.then(() => reject(new Error('A process of the soak ended before it was ready.')));
    return promise;
  }

  send(message: object): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    this.#isToDie = true;
    this.#process.kill('SIGKILL');
    await this.#exit;
  }
}
