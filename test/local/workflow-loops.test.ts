import { readFileSync } from 'node:fs';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, it, vi } from 'vitest';
import { workflowFile } from '../../cdk/constructs/workflow.ts';
import { startAwsJsonServer } from '../../local/aws-json-server.ts';
import { localCredentials, localRegion, localStateMachineArn } from '../../local/local-account.ts';
import { LocalStepFunctions } from '../../local/step-functions.ts';

it('the state machine repeats Prepare and Finalize until they are done', async () => {
  const answers: Record<string, object[]> = {
    prepare: [
      { done: false, ended: false },
      { done: false, ended: false },
      { done: true, ended: true },
    ],
    finalize: [
      { done: false, nextRound: false },
      { done: true, nextRound: false },
    ],
  };
  const calls: string[] = [];
  const machine = new LocalStepFunctions({
    stateMachineArn: localStateMachineArn,
    definition: readFileSync(workflowFile, 'utf8'),
    invoke: async (name) => {
      calls.push(name);
      return answers[name]?.shift();
    },
  });
  const server = await startAwsJsonServer(machine.operations);
  const client = new SFNClient({ endpoint: server.url, region: localRegion, credentials: localCredentials });
  try {
    const input = JSON.stringify({ batchId: 'b', epoch: 0, pauseSeconds: 1, turn: { events: 0 } });
    const started = await client.send(
      new StartExecutionCommand({ stateMachineArn: localStateMachineArn, name: 'loops', input }),
    );
    const statusOf = async () =>
      (await client.send(new DescribeExecutionCommand({ executionArn: started.executionArn }))).status;
    await vi.waitFor(async () => expect(await statusOf()).toBe('SUCCEEDED'), { timeout: 60_000 });
    expect(calls).toEqual(['prepare', 'prepare', 'prepare', 'finalize', 'finalize']);
  } finally {
    client.destroy();
    await server.close();
    await machine.close();
  }
});
