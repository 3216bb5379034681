import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidExecutionInput,
  InvalidName,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../lib/records/errors.ts';
import { functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import { startAwsJsonServer } from '../../local/aws-json-server.ts';
import { type FunctionHandler, FunctionInvoker } from '../../local/function-invoker.ts';
import { localCredentials, localRegion, localStateMachineArn } from '../../local/local-account.ts';
import { LocalStepFunctions } from '../../local/step-functions.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A machine of its own, whose Tasks all call the function `poll`. */
async function startMachine(states: object, poll: FunctionHandler, timeoutSeconds = 60) {
  const invoker = new FunctionInvoker({
    load: async () => poll,
    timeoutSeconds: { ...functionTimeoutSeconds, poll: timeoutSeconds },
  });
  const machine = new LocalStepFunctions({
    stateMachineArn: localStateMachineArn,
    definition: JSON.stringify({ StartAt: Object.keys(states)[0], States: states }),
    invoke: (name, payload) => invoker.invoke(name, payload),
  });
  const server = await startAwsJsonServer(machine.operations);
  const client = new SFNClient({
    endpoint: server.url,
    region: localRegion,
    credentials: localCredentials,
    maxAttempts: 1,
  });
  closers.push(
    () => server.close(),
    () => invoker.close(),
    () => machine.close(),
    () => client.destroy(),
  );
  const start = (name: string, input: unknown = {}) =>
    client.send(
      new StartExecutionCommand({ stateMachineArn: localStateMachineArn, name, input: JSON.stringify(input) }),
    );
  const describeExecution = (name: string) => client.send(new DescribeExecutionCommand({ executionArn: arnOf(name) }));
  const untilEnded = async (name: string): Promise<DescribeExecutionCommandOutput> => {
    for (;;) {
      const execution = await describeExecution(name);
      if (execution.status !== 'RUNNING') return execution;
      await sleep(10);
    }
  };
  return { client, machine, start, describeExecution, untilEnded };
}

function arnOf(name: string): string {
  return `${localStateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

/** As the definition writes what CDK fills in. */
function placeholder(name: string): string {
  return `$\{${name}}`;
}

function task(more: object = {}) {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: placeholder('PollFunction'), 'Payload.$': '$' },
    OutputPath: '$.Payload',
    TimeoutSeconds: 60,
    ...more,
  };
}

class NamedError extends Error {
  constructor(name: string) {
    super(`${name} happened`);
    this.name = name;
  }
}

/** Fails the first calls with the named errors, then answers. */
function failing(...names: string[]): FunctionHandler {
  return async () => {
    const name = names.shift();
    if (name) throw new NamedError(name);
    return { done: true };
  };
}

const quickRetry = [
  {
    ErrorEquals: ['TransientError', 'Sandbox.Timedout'],
    IntervalSeconds: 1,
    MaxAttempts: 2,
    MaxDelaySeconds: 1,
    JitterStrategy: 'FULL',
  },
];

describe('an execution', () => {
  it('ends with the output of its last state', async () => {
    const { start, untilEnded } = await startMachine({ Call: task({ End: true }) }, async (event) => ({ got: event }));
    const started = await start('a', { batchId: 'b' });
    const ended = await untilEnded('a');
    expect(started.executionArn).toBe(arnOf('a'));
    expect(ended).toMatchObject({ status: 'SUCCEEDED', name: 'a', input: '{"batchId":"b"}' });
    expect(JSON.parse(ended.output ?? '')).toEqual({ got: { batchId: 'b' } });
    expect(ended.stopDate?.getTime()).toBeGreaterThanOrEqual(started.startDate?.getTime() ?? Number.POSITIVE_INFINITY);
  });

  it('is started once for the same name and input while it runs', async () => {
    let calls = 0;
    const release = Promise.withResolvers<void>();
    const { start } = await startMachine({ Call: task({ End: true }) }, async () => {
      calls += 1;
      await release.promise;
    });
    const [first, second] = [await start('a', { n: 1 }), await start('a', { n: 1 })];
    await sleep(50);
    release.resolve();
    expect(second).toMatchObject({ executionArn: first.executionArn, startDate: first.startDate });
    expect(calls).toBe(1);
  });

  it('keeps its name to itself: other input, or a start after its end, is refused', async () => {
    const release = Promise.withResolvers<void>();
    const { start, untilEnded } = await startMachine({ Call: task({ End: true }) }, () => release.promise);
    await start('a', { n: 1 });
    await expect(start('a', { n: 2 })).rejects.toThrow(ExecutionAlreadyExists);
    release.resolve();
    await untilEnded('a');
    await expect(start('a', { n: 1 })).rejects.toThrow(ExecutionAlreadyExists);
  });

  it.each(['', 'x'.repeat(81), 'a b', 'a:b', 'a/b', 'a\u0007b'])('is not started under the name %j', async (name) => {
    const { start } = await startMachine({ Call: task({ End: true }) }, async () => null);
    await expect(start(name)).rejects.toThrow(InvalidName);
  });

  it('is not started with input that is not JSON, or too much of it', async () => {
    const { client, start } = await startMachine({ Call: task({ End: true }) }, async () => null);
    const broken = new StartExecutionCommand({ stateMachineArn: localStateMachineArn, name: 'a', input: '{' });
    await expect(client.send(broken)).rejects.toThrow(InvalidExecutionInput);
    await expect(start('a', 'x'.repeat(262_144))).rejects.toThrow(InvalidExecutionInput);
  });

  it('is not started on, or found in, a machine that does not exist', async () => {
    const { client, describeExecution } = await startMachine({ Call: task({ End: true }) }, async () => null);
    const elsewhere = new StartExecutionCommand({ stateMachineArn: `${localStateMachineArn}-other`, name: 'a' });
    await expect(client.send(elsewhere)).rejects.toThrow(StateMachineDoesNotExist);
    await expect(describeExecution('nobody')).rejects.toThrow(ExecutionDoesNotExist);
  });

  it('is listed with its status, newest first', async () => {
    const { client, start, untilEnded } = await startMachine(
      { Wait: { Type: 'Wait', SecondsPath: '$.seconds', End: true } },
      async () => null,
    );
    await start('short', { seconds: 0 });
    await untilEnded('short');
    await start('long', { seconds: 60 });
    const all = await client.send(new ListExecutionsCommand({ stateMachineArn: localStateMachineArn }));
    const running = await client.send(
      new ListExecutionsCommand({ stateMachineArn: localStateMachineArn, statusFilter: 'RUNNING' }),
    );
    expect(all.executions?.map(({ name, status }) => [name, status])).toEqual([
      ['long', 'RUNNING'],
      ['short', 'SUCCEEDED'],
    ]);
    expect(running.executions?.map(({ name }) => name)).toEqual(['long']);
  });

  it('calls nothing any more once it was stopped, not even a retry that was due', async () => {
    let calls = 0;
    const { client, start, untilEnded } = await startMachine(
      {
        Call: task({ Retry: quickRetry, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Again' }], End: true }),
        Again: task({ End: true }),
      },
      async () => {
        calls += 1;
        throw new NamedError('TransientError');
      },
    );
    await start('a');
    await sleep(20);
    await client.send(new StopExecutionCommand({ executionArn: arnOf('a'), error: 'Stopped', cause: 'by a test' }));
    const callsAtStop = calls;
    await sleep(100);
    expect(await untilEnded('a')).toMatchObject({ status: 'ABORTED', error: 'Stopped', cause: 'by a test' });
    expect(calls).toBe(callsAtStop);
  });
});

describe('an error', () => {
  it('is retried by its name, as often as the state says', async () => {
    const { start, untilEnded } = await startMachine(
      { Call: task({ Retry: quickRetry, End: true }) },
      failing('TransientError', 'TransientError'),
    );
    await start('a');
    expect(await untilEnded('a')).toMatchObject({ status: 'SUCCEEDED', output: '{"done":true}' });
  });

  it('fails the execution with its name and message where nothing matches it', async () => {
    const { start, untilEnded } = await startMachine(
      { Call: task({ Retry: quickRetry, End: true }) },
      failing('OtherError'),
    );
    await start('a');
    expect(await untilEnded('a')).toMatchObject({
      status: 'FAILED',
      error: 'OtherError',
      cause: 'OtherError happened',
    });
  });

  it('is caught by its name', async () => {
    const states = {
      Call: task({ Catch: [{ ErrorEquals: ['StaleEpochError'], ResultPath: null, Next: 'Superseded' }], Next: 'Fail' }),
      Fail: { Type: 'Fail' },
      Superseded: { Type: 'Succeed' },
    };
    const { start, untilEnded } = await startMachine(states, failing('StaleEpochError'));
    await start('a', { kept: true });
    expect(await untilEnded('a')).toMatchObject({ status: 'SUCCEEDED', output: '{"kept":true}' });
  });

  it("is Lambda's own for a call that passed its function's time, and can be retried", async () => {
    let calls = 0;
    const hangingOnce: FunctionHandler = async (_event, { signal }) => {
      calls += 1;
      if (calls === 1) await sleep(60_000, undefined, { signal }).catch(() => undefined);
      return { calls };
    };
    const { start, untilEnded } = await startMachine(
      { Call: task({ Retry: quickRetry, End: true }) },
      hangingOnce,
      0.1,
    );
    await start('a');
    expect(await untilEnded('a')).toMatchObject({ status: 'SUCCEEDED', output: '{"calls":2}' });
  });

  it('is raised for an answer above what passes between states', async () => {
    const { start, untilEnded } = await startMachine({ Call: task({ End: true }) }, async () => 'x'.repeat(262_144));
    await start('a');
    expect(await untilEnded('a')).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  });
});

describe('the history', () => {
  // Counted from the event tables of the developer guide, "Viewing execution history".
  it('counts a task as AWS does', async () => {
    const { machine, start, untilEnded } = await startMachine(
      { Call: task({ Next: 'End' }), End: { Type: 'Succeed' } },
      async () => null,
    );
    await start('a');
    await untilEnded('a');
    await expect.poll(() => machine.historyEvents('a')).toBe(1 + 5 + 2 + 1);
  });

  it('counts each retry and a caught error', async () => {
    const states = {
      Call: task({ Retry: quickRetry, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'End' }], Next: 'End' }),
      End: { Type: 'Succeed' },
    };
    const { machine, start, untilEnded } = await startMachine(states, failing('TransientError', 'OtherError'));
    await start('a');
    await untilEnded('a');
    const [entered, scheduledStartedFailed, exited] = [1, 3, 1];
    const ofTask = entered + 2 * scheduledStartedFailed + exited;
    await expect.poll(() => machine.historyEvents('a')).toBe(1 + ofTask + 2 + 1);
  });

  it('counts a map and its iterations', async () => {
    const states = {
      Each: {
        Type: 'Map',
        ItemsPath: '$.items',
        ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'Call', States: { Call: task({ End: true }) } },
        End: true,
      },
    };
    const { machine, start, untilEnded } = await startMachine(states, async () => null);
    await start('a', { items: [1, 2, 3] });
    await untilEnded('a');
    const [mapEvents, iterationEvents, taskEvents] = [4, 2, 5];
    await expect.poll(() => machine.historyEvents('a')).toBe(1 + mapEvents + 3 * (iterationEvents + taskEvents) + 1);
  });

  it('fails an execution that reaches 25,000 events, as AWS does', async () => {
    const states = {
      Call: task({ Next: 'IsDone' }),
      IsDone: { Type: 'Choice', Choices: [{ Variable: '$.done', BooleanEquals: true, Next: 'End' }], Default: 'Call' },
      End: { Type: 'Succeed' },
    };
    const { start, untilEnded } = await startMachine(states, async () => ({ done: false }));
    await start('a');
    expect(await untilEnded('a')).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });
});

describe('the definition', () => {
  it.each(['UnknownFunction', 'Prepare', ''])('may not refer to %j', (name) => {
    const definition = JSON.stringify({ StartAt: 'A', States: { A: task({ Comment: placeholder(name), End: true }) } });
    const create = () =>
      new LocalStepFunctions({ stateMachineArn: localStateMachineArn, definition, invoke: async () => null });
    expect(create).toThrow(ConfigurationError);
    expect(create).toThrow(placeholder(name));
  });

  it('must be valid', () => {
    const definition = JSON.stringify({ StartAt: 'Nowhere', States: { A: { Type: 'Succeed' } } });
    const create = () =>
      new LocalStepFunctions({ stateMachineArn: localStateMachineArn, definition, invoke: async () => null });
    expect(create).toThrow(ConfigurationError);
  });
});
