import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError, type AwsOperations, awsOperation } from './aws-json-server.ts';
import { Execution } from './execution.ts';
import { type InvokeFunction, LocalStateMachine, maxStateBytes } from './state-machine.ts';
import { TaskTokens } from './task-tokens.ts';

export interface StepFunctionsOptions {
  stateMachineArn: string;
  /** The machine in ASL, with its placeholders. */
  definition: string;
  invoke: InvokeFunction;
}

// Source: Step Functions API reference, StartExecution, "name".
const maxNameLength = 80;
const forbiddenInName = /[\s\p{Cc}<>{}[\]?*"#%\\^|~`$&,;:/]/u;

/** Ended executions kept to be described; older ones are forgotten, as AWS forgets them after 90 days. */
const maxEndedKept = 10_000;

const startSchema = z.object({
  stateMachineArn: z.string(),
  name: z.string().optional(),
  input: z.string().default('{}'),
});
const nameSchema = z.object({ executionArn: z.string() });
const stopSchema = nameSchema.extend({ error: z.string().optional(), cause: z.string().optional() });
const listSchema = z.object({ stateMachineArn: z.string(), statusFilter: z.string().optional() });

/** Step Functions for one machine of standard type. Executions live in memory and end with the process. */
export class LocalStepFunctions {
  readonly #options: StepFunctionsOptions;
  readonly #machine: LocalStateMachine;
  readonly #executions = new Map<string, Execution>();
  /** Of other machines. */
  readonly tasks = new TaskTokens();

  /** @throws ConfigurationError where the definition cannot be run. */
  constructor(options: StepFunctionsOptions) {
    this.#options = options;
    this.#machine = new LocalStateMachine(options.definition);
  }

  readonly operations: AwsOperations = {
    ...this.tasks.operations,
    'AWSStepFunctions.StartExecution': awsOperation(startSchema, (input) => this.#start(input)),
    'AWSStepFunctions.DescribeExecution': awsOperation(nameSchema, (input) => describe(this.#find(input.executionArn))),
    'AWSStepFunctions.StopExecution': awsOperation(stopSchema, (input) => this.#stop(input)),
    'AWSStepFunctions.ListExecutions': awsOperation(listSchema, (input) => this.#list(input)),
  };

  /** @returns how many events AWS would have in the execution's history by now, or null where there is none. */
  historyEvents(executionName: string): number | null {
    return this.#executions.get(this.#arnOf(executionName))?.historyEvents ?? null;
  }

  /** Stops every execution. */
  close(): void {
    for (const execution of this.#executions.values()) execution.stop();
  }

  #start(input: z.output<typeof startSchema>): { executionArn: string; startDate: number } {
    this.#assertMachine(input.stateMachineArn);
    const name = input.name ?? randomUUID();
    assertName(name);
    assertInput(input.input);
    const arn = this.#arnOf(name);
    const execution = this.#running(arn, input.input) ?? this.#create(arn, name, input.input);
    return { executionArn: arn, startDate: seconds(execution.startedAtMs) };
  }

  /** @returns the execution that a repeated start means, or null where there is none of that name. */
  #running(arn: string, input: string): Execution | null {
    const execution = this.#executions.get(arn);
    if (!execution) return null;
    if (execution.status === 'RUNNING' && execution.input === input) return execution;
    throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
  }

  #create(arn: string, name: string, input: string): Execution {
    const { stateMachineArn, invoke } = this.#options;
    const execution = new Execution({ arn, name, stateMachineArn }, this.#machine, input, invoke);
    this.#executions.set(arn, execution);
    this.#forgetOldest();
    return execution;
  }

  #forgetOldest(): void {
    if (this.#executions.size <= maxEndedKept) return;
    for (const [arn, execution] of this.#executions) {
      if (this.#executions.size <= maxEndedKept) return;
      if (execution.status !== 'RUNNING') this.#executions.delete(arn);
    }
  }

  #stop(input: z.output<typeof stopSchema>): { stopDate: number } {
    const execution = this.#find(input.executionArn);
    execution.stop(input.error, input.cause);
    return { stopDate: seconds(execution.ending?.stoppedAtMs ?? Date.now()) };
  }

  #list(input: z.output<typeof listSchema>): { executions: object[] } {
    this.#assertMachine(input.stateMachineArn);
    const { statusFilter } = input;
    const all = [...this.#executions.values()].reverse();
    const found = statusFilter ? all.filter((execution) => execution.status === statusFilter) : all;
    return { executions: found.map(summarize) };
  }

  #find(arn: string): Execution {
    const execution = this.#executions.get(arn);
    if (execution) return execution;
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  }

  #assertMachine(arn: string): void {
    if (arn === this.#options.stateMachineArn) return;
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  #arnOf(executionName: string): string {
    return `${this.#options.stateMachineArn.replace(':stateMachine:', ':execution:')}:${executionName}`;
  }
}

function assertName(name: string): void {
  if (name.length > 0 && name.length <= maxNameLength && !forbiddenInName.test(name)) return;
  throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
}

function assertInput(input: string): void {
  if (Buffer.byteLength(input) > maxStateBytes)
    throw new AwsError('InvalidExecutionInput', `The input is above ${maxStateBytes} bytes.`);
  try {
    JSON.parse(input);
  } catch {
    throw new AwsError('InvalidExecutionInput', 'Invalid State Machine Execution Input: not valid JSON.');
  }
}

function summarize(execution: Execution): object {
  const { arn, name, stateMachineArn, status, startedAtMs, ending } = execution;
  const stopDate = ending ? { stopDate: seconds(ending.stoppedAtMs) } : {};
  return { executionArn: arn, stateMachineArn, name, status, startDate: seconds(startedAtMs), ...stopDate };
}

function describe(execution: Execution): object {
  const { output, error, cause } = execution.ending ?? {};
  return { ...summarize(execution), input: execution.input, output, error, cause };
}

/** Unix seconds with fractions, as AWS JSON writes times. */
function seconds(milliseconds: number): number {
  return milliseconds / 1_000;
}
