import { ExecutionAbortedError, ExecutionError, ExecutionTimeoutError } from 'aws-local-stepfunctions';
import { StoppingError } from './function-invoker.ts';
import { historyEventsOf, maxHistoryEvents } from './history-events.ts';
import type { InvokeFunction, LocalStateMachine, StateMachineRun } from './state-machine.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface ExecutionName {
  arn: string;
  name: string;
  stateMachineArn: string;
}

interface Ending {
  status: Exclude<ExecutionStatus, 'RUNNING'>;
  stoppedAtMs: number;
  output?: string;
  error?: string;
  cause?: string;
}

/** One run of the state machine, from its start. It lives in memory only. */
export class Execution {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string;
  /** As it was given. */
  readonly input: string;
  readonly startedAtMs = Date.now();
  /** Events that AWS would have written into its history so far. */
  historyEvents = 0;
  readonly #run: StateMachineRun;
  #ending: Ending | null = null;

  constructor(name: ExecutionName, machine: LocalStateMachine, input: string, invoke: InvokeFunction) {
    this.arn = name.arn;
    this.name = name.name;
    this.stateMachineArn = name.stateMachineArn;
    this.input = input;
    this.#run = machine.start(JSON.parse(input), (functionName, payload) =>
      this.#invoke(invoke, functionName, payload),
    );
    void this.#awaitEnding();
    void this.#countEvents();
  }

  get status(): ExecutionStatus {
    return this.#ending?.status ?? 'RUNNING';
  }

  get ending(): Readonly<Ending> | null {
    return this.#ending;
  }

  /** A function that runs already goes on, as in AWS. */
  stop(error?: string, cause?: string): void {
    this.#end('ABORTED', { ...(error && { error }), ...(cause && { cause }) });
  }

  /** The machine may want to repeat a step after it was stopped; nothing may run then. */
  #invoke(...[invoke, functionName, payload]: [InvokeFunction, ...Parameters<InvokeFunction>]): Promise<unknown> {
    return this.#ending ? Promise.reject(new StoppingError()) : invoke(functionName, payload);
  }

  async #awaitEnding(): Promise<void> {
    try {
      this.#end('SUCCEEDED', { output: await this.#run.output });
    } catch (error) {
      if (error instanceof ExecutionAbortedError) this.#end('ABORTED', {});
      else if (error instanceof ExecutionTimeoutError) this.#end('TIMED_OUT', { error: 'States.Timeout' });
      else this.#end('FAILED', describeFailure(error));
    }
  }

  async #countEvents(): Promise<void> {
    for await (const event of this.#run.events) {
      this.historyEvents += historyEventsOf(event);
      if (this.historyEvents >= maxHistoryEvents) this.#exceedHistory();
    }
  }

  #exceedHistory(): void {
    const cause = `The execution reached the maximum number of history events (${maxHistoryEvents}).`;
    this.#end('FAILED', { error: 'States.Runtime', cause });
  }

  #end(status: Ending['status'], details: Pick<Ending, 'output' | 'error' | 'cause'>): void {
    if (this.#ending) return;
    this.#ending = { status, stoppedAtMs: Date.now(), ...details };
    if (status !== 'SUCCEEDED') this.#run.abort();
  }
}

function describeFailure(error: unknown): { error: string; cause: string } {
  const root = error instanceof ExecutionError && error.cause instanceof Error ? error.cause : error;
  return root instanceof Error ? { error: root.name, cause: root.message } : { error: 'Error', cause: String(root) };
}
