import { AsyncLocalStorage } from 'node:async_hooks';
import { BedrockClient } from '@aws-sdk/client-bedrock';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';

const running = new AsyncLocalStorage<string>();

/** Runs something as one of the stack's functions: the calls of AWS in it have that function's rights. */
export function as<Answer>(name: FunctionName, run: () => Answer): Answer {
  return running.run(`batchdrop-${name}`, run);
}

/** Credentials that carry the name of whoever runs; asked anew for each call, and for each link that is signed. */
const credentials = Object.assign(
  async () => ({ accessKeyId: running.getStore() ?? 'local', secretAccessKey: 'local' }),
  { memoized: true },
);

/** Lets an AWS client sign with the name of the function that uses it; outside of one with the owner's, who may do all. */
export function signedByCaller<Client>(client: Client): Client {
  (client as { config: { credentials: unknown } }).config.credentials = credentials;
  return client;
}

/**
 * Lets every client of the SDK sign so, wherever it is made: those of handlers that wire themselves, and Bedrock's, which a
 * provider makes.
 *
 * @returns a function that ends it.
 */
export function signAllByCaller(): () => void {
  const clients = [BedrockClient, BedrockRuntimeClient, DynamoDBClient, EventBridgeClient, S3Client, SFNClient];
  const restored = [...clients, DynamoDBDocumentClient].map(({ prototype }: { prototype: object }) => {
    const send: unknown = Reflect.get(prototype, 'send');
    if (typeof send !== 'function') throw new Error('A client of the SDK has no send.');
    const signing = function (this: object, ...given: unknown[]) {
      return Reflect.apply(send, signedByCaller(this), given);
    };
    Object.defineProperty(prototype, 'send', { value: signing, configurable: true, writable: true });
    return () => Reflect.deleteProperty(prototype, 'send');
  });
  return () => {
    for (const restore of restored) restore();
  };
}
