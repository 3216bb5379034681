import { ConfigurationError } from '../lib/records/errors.ts';
import type { FunctionName } from '../lib/records/function-timeouts.ts';
import type { FunctionHandler } from './function-invoker.ts';

const modules: Record<FunctionName, () => Promise<{ handler: FunctionHandler }>> = {
  intake: () => import('../lambdas/intake.ts'),
  prepare: () => import('../lambdas/prepare.ts'),
  submit: () => import('../lambdas/submit.ts'),
  poll: () => import('../lambdas/poll.ts'),
  collect: () => import('../lambdas/collect.ts'),
  finalize: () => import('../lambdas/finalize.ts'),
  sweep: () => import('../lambdas/sweep.ts'),
  api: async () => {
    throw new ConfigurationError('The API is served over HTTP here; nothing calls it as a function.');
  },
};

/** Loads the very handler that CDK deploys, when it is first called. */
export async function loadFunction(name: FunctionName): Promise<FunctionHandler> {
  return (await modules[name]()).handler;
}
