import { ConcurrencyLimit } from '../../local/concurrency-limit.ts';
import { type DeployedFunction, ExecutionEnvironment, FunctionError, maxEventBytes } from './execution-environment.ts';

/** Processes of one function at a time; a call beyond them waits. */
const maxEnvironments = 2;

export interface LambdaOptions extends DeployedFunction {
  timeoutSeconds: number;
}

/** The functions of a stack, each in processes of its own: one event at a time, and again while it is idle. */
export class Lambda {
  readonly #functions: ReadonlyMap<string, RunningFunction>;

  constructor(functions: readonly LambdaOptions[]) {
    this.#functions = new Map(functions.map((one) => [one.name, new RunningFunction(one)]));
  }

  /**
   * Calls a function and waits for its answer.
   *
   * @throws FunctionError named as Lambda, or the function itself, names it; FunctionTimedOutError.
   */
  async invoke(name: string, event: unknown): Promise<unknown> {
    return this.#get(name).invoke(event);
  }

  /** The next call of a function has so long, whatever the template says. */
  cutTime(name: string, timeoutMs: number): void {
    this.#get(name).cutMs = timeoutMs;
  }

  /** @returns the calls that failed so far, as `name error message`. */
  get failures(): string[] {
    return [...this.#functions.values()].flatMap(({ failures }) => failures);
  }

  /** @returns what a function's processes printed. */
  outputOf(name: string): string {
    return this.#get(name).output;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#functions.values()].map((one) => one.close()));
  }

  #get(name: string): RunningFunction {
    const found = this.#functions.get(name);
    if (!found) throw new Error(`There is no function ${name}.`);
    return found;
  }
}

class RunningFunction {
  output = '';
  readonly failures: string[] = [];
  cutMs: number | null = null;
  readonly #options: LambdaOptions;
  readonly #limit = new ConcurrencyLimit(maxEnvironments);
  readonly #all: ExecutionEnvironment[] = [];
  readonly #idle: ExecutionEnvironment[] = [];

  constructor(options: LambdaOptions) {
    this.#options = options;
  }

  async invoke(event: unknown): Promise<unknown> {
    const text = JSON.stringify(event);
    if (Buffer.byteLength(text) > maxEventBytes)
      throw new FunctionError('RequestTooLargeException', `An event of more than ${maxEventBytes} bytes.`);
    return this.#limit.run(async () => {
      const environment = this.#idle.pop() ?? (await this.#start());
      const timeoutMs = this.cutMs ?? this.#options.timeoutSeconds * 1_000;
      this.cutMs = null;
      try {
        return JSON.parse(await environment.run(text, timeoutMs));
      } catch (error) {
        this.failures.push(`${this.#options.name} ${error}`);
        throw error;
      } finally {
        if (environment.isAlive) this.#idle.push(environment);
      }
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((environment) => environment.close()));
  }

  async #start(): Promise<ExecutionEnvironment> {
    const environment = new ExecutionEnvironment(this.#options, (text) => {
      this.output += text;
    });
    this.#all.push(environment);
    await environment.start();
    return environment;
  }
}
