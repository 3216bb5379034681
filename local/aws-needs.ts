import { z } from 'zod';
import { localAccountId, localRegion } from './local-account.ts';
import type { Need } from './permissions.ts';
import { machineOfTask } from './task-tokens.ts';

const tableCall = z.object({ TableName: z.string(), IndexName: z.string().optional() });
/** Calls for items of several tables. */
const tablesCall = z.object({ RequestItems: z.record(z.string(), z.unknown()) });
const machineCall = z.object({
  stateMachineArn: z.string().optional(),
  executionArn: z.string().optional(),
  taskToken: z.string().optional(),
});
const eventsCall = z.object({
  Entries: z.array(z.object({ Source: z.string().optional(), EventBusName: z.string().default('default') })),
});
const secretCall = z.object({ SecretId: z.string() });

/** What each service of the AWS JSON protocols asks of a caller, by the first part of an operation's full name. */
const needsOf: Record<string, (operation: string, input: unknown) => Need[]> = {
  DynamoDB_20120810: (operation, input) => {
    if (operation.startsWith('Batch')) {
      const tables = Object.keys(tablesCall.parse(input).RequestItems);
      return tables.map((table) => ({
        action: `dynamodb:${operation}`,
        resource: arnOf('dynamodb', `table/${table}`),
      }));
    }
    const { TableName: table, IndexName: index } = tableCall.parse(input);
    const resource = arnOf('dynamodb', `table/${table}${index === undefined ? '' : `/index/${index}`}`);
    return [{ action: `dynamodb:${operation}`, resource }];
  },
  AWSStepFunctions: (operation, input) => {
    const { stateMachineArn, executionArn, taskToken } = machineCall.parse(input);
    const resource = taskToken === undefined ? (stateMachineArn ?? executionArn ?? '') : machineOfTask(taskToken);
    return resource === null ? [] : [{ action: `states:${operation}`, resource }];
  },
  AWSEvents: (operation, input) =>
    eventsCall.parse(input).Entries.map(({ Source: source = '', EventBusName: bus }) => ({
      action: `events:${operation}`,
      resource: arnOf('events', `event-bus/${bus}`),
      conditions: { 'events:source': source },
    })),
  secretsmanager: (operation, input) => [
    { action: `secretsmanager:${operation}`, resource: secretArn(secretCall.parse(input).SecretId) },
  ],
};

/**
 * @param target the operation's full name, such as `DynamoDB_20120810.GetItem`.
 * @throws Error for a service of which nothing is known here.
 */
export function needsOfCall(target: string, input: unknown): Need[] {
  const [service = '', operation = ''] = target.split('.');
  const needs = Object.hasOwn(needsOf, service) ? needsOf[service] : undefined;
  if (!needs) throw new Error(`What ${target} needs is not known.`);
  return needs(operation, input);
}

/** With six characters of the local account's, where AWS appends its own. */
export function secretArn(name: string): string {
  return name.startsWith('arn:') ? name : arnOf('secretsmanager', `secret:${name}-LocalX`);
}

function arnOf(service: string, resource: string): string {
  return `arn:aws:${service}:${localRegion}:${localAccountId}:${resource}`;
}
