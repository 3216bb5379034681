import type { BatchEvent } from '../../lib/store/events.ts';
import { AwsError, startAwsJsonServer } from '../../local/aws-json-server.ts';
import { secretArn } from '../../local/aws-needs.ts';
import type { Permissions } from '../../local/permissions.ts';
import { TaskTokens } from '../../local/task-tokens.ts';

/** The services of AWS that only note what they are told: Step Functions, EventBridge and Secrets Manager. */
export interface PlayedServices {
  url: string;
  started: { batchId: string; epoch: number }[];
  running: Set<string>;
  events: { status: string; detail: BatchEvent }[];
  /** Values of secrets, by the names in the configuration. */
  keys: Map<string, string>;
  /** Of other state machines. */
  tasks: TaskTokens;
  close(): Promise<void>;
}

interface EventEntry {
  DetailType: string;
  Detail: string;
}

export async function startPlayedServices(permissions: Permissions): Promise<PlayedServices> {
  const started: PlayedServices['started'] = [];
  const running: PlayedServices['running'] = new Set();
  const events: PlayedServices['events'] = [];
  const keys: PlayedServices['keys'] = new Map();
  const tasks = new TaskTokens();
  const operations = {
    ...tasks.operations,
    'AWSStepFunctions.StartExecution': (asked: unknown) => {
      const { name, input, stateMachineArn } = asked as { name: string; input: string; stateMachineArn: string };
      const { batchId, epoch } = JSON.parse(input);
      if (!running.has(name)) started.push({ batchId, epoch });
      running.add(name);
      return { executionArn: `${stateMachineArn.replace('stateMachine', 'execution')}:${name}`, startDate: 0 };
    },
    'AWSStepFunctions.DescribeExecution': (asked: unknown) => {
      const { executionArn } = asked as { executionArn: string };
      const name = executionArn.split(':').at(-1) ?? '';
      if (!running.has(name)) throw new AwsError('ExecutionDoesNotExist', `There is no execution ${name}.`);
      return { executionArn, name, status: 'RUNNING', startDate: 0 };
    },
    'AWSEvents.PutEvents': (asked: unknown) => {
      const { Entries: entries } = asked as { Entries: EventEntry[] };
      for (const { DetailType: type, Detail: detail } of entries)
        events.push({ status: type.replace('batch.', ''), detail: JSON.parse(detail) });
      return { FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: 'one' })) };
    },
    'secretsmanager.GetSecretValue': (asked: unknown) => {
      const { SecretId: name } = asked as { SecretId: string };
      const key = keys.get(name.replace(/^batchdrop\//, '')) ?? 'right-key';
      return { ARN: secretArn(name), Name: name, SecretString: key };
    },
  };
  const server = await startAwsJsonServer(operations, permissions);
  return { ...server, started, running, events, keys, tasks };
}
