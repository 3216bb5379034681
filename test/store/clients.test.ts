import { expect, it } from 'vitest';
import { createServices } from '../../lib/pipeline/services.ts';

/** What Lambda's environment says; nothing of it is reached before a call. */
const environment = {
  BATCHDROP_BUCKET: 'bucket',
  BATCHDROP_TABLE: 'table',
  BATCHDROP_STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:123456789012:stateMachine:Batchdrop',
  BATCHDROP_CONFIG_FILE: 'batchdrop.config.json',
  BATCHDROP_SECRETS: 'environment',
};

const log = { info: () => {}, warn: () => {}, error: () => {} };

it('a function has one client, and so one pool of connections, for each AWS service', () => {
  const clients: string[] = [];
  createServices(environment, {
    log,
    observe: (client) => {
      clients.push(Object(client).constructor.name);
      return client;
    },
  });
  expect(clients.toSorted()).toEqual(['DynamoDBClient', 'EventBridgeClient', 'S3Client', 'SFNClient']);
});
