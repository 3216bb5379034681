import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { ConfigurationError } from '../lib/records/errors.ts';
import { type FunctionName, isFunctionName } from '../lib/records/function-timeouts.ts';

type State = StateMachineDefinition['States'][string];
type States = StateMachineDefinition['States'];

/** Calls the function that a Task names, with its Payload. */
export type InvokeFunction = (name: FunctionName, payload: unknown) => Promise<unknown>;

type Run = ReturnType<StateMachine['run']>;
type Json = Parameters<StateMachine['run']>[0];
export type StateMachineEvent = Run['eventLogs'] extends AsyncGenerator<infer Event> ? Event : never;

/** A run under way. */
export interface StateMachineRun {
  /** The output as JSON. */
  output: Promise<string>;
  events: AsyncGenerator<StateMachineEvent>;
  abort(): void;
}

/** The most JSON that passes between states, in bytes. Source: Step Functions quotas, "Input or output size". */
export const maxStateBytes = 262_144;

/** What Step Functions raises where more passes. */
class DataLimitExceededError extends Error {
  override readonly name = 'States.DataLimitExceeded';

  constructor(functionName: string) {
    super(`The answer of ${functionName} is above the ${maxStateBytes} bytes that pass between states.`);
  }
}

/** The state machine that CDK deploys, run in this process: its Tasks call functions by name. */
export class LocalStateMachine {
  readonly #machine: StateMachine;
  readonly #taskNames: string[];

  /**
   * @param text ASL in JSON, with placeholders such as `${PrepareFunction}` for the function `prepare`.
   * @throws ConfigurationError for a placeholder that names no function, or a definition that is not valid.
   */
  constructor(text: string) {
    const definition = parseDefinition(fillPlaceholders(text));
    this.#machine = createMachine(definition);
    this.#taskNames = [...taskNames(definition.States)];
  }

  start(input: Json, invoke: InvokeFunction): StateMachineRun {
    const task = (taskInput: unknown) => runTask(taskInput, invoke);
    const handlers = Object.fromEntries(this.#taskNames.map((name) => [name, task]));
    const run = this.#machine.run(input, { overrides: { taskResourceLocalHandlers: handlers } });
    return {
      output: run.result.then((output) => JSON.stringify(output)),
      events: run.eventLogs,
      abort: run.abort,
    };
  }
}

function fillPlaceholders(text: string): string {
  return text.replaceAll(/\$\{([^}]*)\}/g, (placeholder, name: string) => {
    const functionName = name.charAt(0).toLowerCase() + name.slice(1).replace(/Function$/, '');
    if (name.endsWith('Function') && isFunctionName(functionName)) return functionName;
    throw new ConfigurationError(`The state machine refers to ${placeholder}, which names no function.`);
  });
}

function parseDefinition(text: string): StateMachineDefinition {
  try {
    return JSON.parse(text); // what it holds is checked where the machine is made
  } catch (cause) {
    throw new ConfigurationError('The state machine is not valid JSON.', { cause });
  }
}

function createMachine(definition: StateMachineDefinition): StateMachine {
  try {
    return new StateMachine(definition);
  } catch (cause) {
    throw new ConfigurationError(`The state machine is not valid: ${String(cause)}`, { cause });
  }
}

function* taskNames(states: States): Generator<string> {
  for (const [name, state] of Object.entries(states)) {
    if (state.Type === 'Task') yield name;
    for (const inner of innerStates(state)) yield* taskNames(inner);
  }
}

function innerStates(state: State): States[] {
  if (state.Type === 'Parallel') return state.Branches.map((branch) => branch.States);
  if (state.Type !== 'Map') return [];
  const processor = state.ItemProcessor ?? state.Iterator;
  return processor ? [processor.States] : [];
}

/** Stands for the `lambda:invoke` integration: `{FunctionName, Payload}` in, `{StatusCode, Payload}` out. */
async function runTask(input: unknown, invoke: InvokeFunction): Promise<Json> {
  const { functionName, payload } = readTask(input);
  const answer = JSON.stringify({ StatusCode: 200, Payload: await invoke(functionName, payload) });
  if (Buffer.byteLength(answer) > maxStateBytes) throw new DataLimitExceededError(functionName);
  return JSON.parse(answer);
}

function readTask(input: unknown): { functionName: FunctionName; payload: unknown } {
  const isTask = typeof input === 'object' && input !== null && 'FunctionName' in input && 'Payload' in input;
  if (isTask && typeof input.FunctionName === 'string' && isFunctionName(input.FunctionName))
    return { functionName: input.FunctionName, payload: input.Payload };
  throw new ConfigurationError(`A Task must give FunctionName and Payload, but gave ${JSON.stringify(input)}.`);
}
