import { AsyncLocalStorage } from 'node:async_hooks';
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
