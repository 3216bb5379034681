import { SFNClient } from '@aws-sdk/client-sfn';
import { type Observe, unobserved } from './observe.ts';

/** For the executions of our machine and the answers to tasks of others: a function has one client. */
export function connectStepFunctions(observe: Observe = unobserved): SFNClient {
  return observe(new SFNClient());
}
