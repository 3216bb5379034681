import { readFileSync } from 'node:fs';
import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { functionOfPlaceholder, workflowFile } from '../../cdk/constructs/workflow.ts';
import { eventsPerShard, eventsPerTurn, maxEvents, maxShardsPerTurn } from '../../lib/pipeline/poll/poll.ts';
import { functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';

const stateSchema = z.object({
  Type: z.string(),
  TimeoutSeconds: z.number().optional(),
  Parameters: z.object({ FunctionName: z.string() }).optional(),
  Retry: z.array(z.object({ ErrorEquals: z.array(z.string()), MaxAttempts: z.number() })).default([]),
  Catch: z.array(z.object({ ErrorEquals: z.array(z.string()) })).default([]),
  ItemProcessor: z
    .object({
      get States() {
        return z.record(z.string(), stateSchema);
      },
    })
    .optional(),
});
type State = z.infer<typeof stateSchema>;

const text = readFileSync(workflowFile, 'utf8');
const { States: states } = z.object({ States: z.record(z.string(), stateSchema) }).parse(JSON.parse(text));

function allStates(of: Record<string, State> = states): [string, State][] {
  return Object.entries(of).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state.ItemProcessor ? allStates(state.ItemProcessor.States) : []),
  ]);
}

const tasks = allStates().filter(([, state]) => state.Type === 'Task');

describe('the state machine', () => {
  it('is valid with its functions put in', () => {
    const definition = Object.keys(functionOfPlaceholder).reduce(
      (current, name) => current.replaceAll(`\${${name}}`, `arn:aws:lambda:eu-west-1:111122223333:function:${name}`),
      text,
    );
    expect(definition).not.toContain('${');
    const { isValid, errorsText } = aslValidator(JSON.parse(definition));
    expect(isValid, errorsText?.('\n')).toBe(true);
  });

  it.each(tasks)('%s waits 30 s longer than its function may run', (_name, task) => {
    const placeholder = task.Parameters?.FunctionName.slice(2, -1) ?? '';
    const names: Record<string, keyof typeof functionTimeoutSeconds> = functionOfPlaceholder;
    const name = names[placeholder];
    expect(name).toBeDefined();
    expect(task.TimeoutSeconds).toBe(functionTimeoutSeconds[name ?? 'intake'] + 30);
  });

  it('names only errors that exist', () => {
    const source = readFileSync(new URL('../../lib/records/errors.ts', import.meta.url), 'utf8');
    const ours = [...source.matchAll(/override readonly name = '(\w+)';/g)].map(([, name]) => name);
    const named = tasks.flatMap(([, task]) => [...task.Retry, ...task.Catch].flatMap((one) => one.ErrorEquals));
    expect(ours.length).toBeGreaterThan(3);
    expect(named.length).toBeGreaterThan(tasks.length);
    for (const name of named) expect([...ours, ...awsErrors]).toContain(name);
  });

  it('retries what passes and leaves no error uncaught', () => {
    expect(tasks).toHaveLength(5);
    for (const [, task] of tasks) {
      expect(task.Retry.flatMap((retry) => retry.ErrorEquals)).toEqual(
        expect.arrayContaining(['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.ExitError', 'States.Timeout']),
      );
      expect(task.Catch.flatMap((caught) => caught.ErrorEquals)).toContain('States.ALL');
    }
  });
});

/** Source: Step Functions developer guide, "Handling errors", and AWS Lambda's own error names. */
const awsErrors = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'States.Timeout',
  'States.ALL',
];

describe('the budget of history events', () => {
  /** A Task is entered and exited; each try is scheduled, started and ended. Any other state is entered and exited. */
  const eventsOf = (name: string, of = states): number => {
    const state = of[name];
    if (!state) throw new Error(`There is no state ${name}.`);
    const tries = 1 + Math.max(0, ...state.Retry.map((retry) => retry.MaxAttempts));
    if (state.Type === 'Task') return 2 + 3 * tries;
    return state.Type === 'Map' ? 4 : 2;
  };
  const sum = (names: string[]) => names.reduce((total, name) => total + eventsOf(name), 0);

  it('counts a turn with all its retries', () => {
    const turn = ['Poll', 'Decide', 'Submit', 'IsAnyToCollect', 'Collect', 'Wait', 'Finalize', 'IsFinal'];
    expect(sum(turn)).toBeLessThanOrEqual(eventsPerTurn);
  });

  it.each(['Submit', 'Collect'])('counts a shard of %s that fails for good', (name) => {
    const inner = states[name]?.ItemProcessor?.States ?? {};
    const iteration = 2;
    const events = Object.keys(inner).reduce((total, state) => total + eventsOf(state, inner), iteration);
    expect(events).toBeLessThanOrEqual(eventsPerShard);
  });

  it('ends an execution before AWS does, one turn with all shards and an hour of failing Polls later', () => {
    const turn = eventsPerTurn + 2 * maxShardsPerTurn * eventsPerShard;
    const pauseSeconds = 15;
    const failingPolls =
      (3_600 / (pauseSeconds + meanBackoffSeconds)) * (eventsOf('Poll') + eventsOf('PauseBeforePoll'));
    expect(maxEvents + turn + failingPolls).toBeLessThan(25_000);
  });

  /** Half of 2 + 4 + 8 + 16 s, since the jitter is full. */
  const meanBackoffSeconds = 15;
});
