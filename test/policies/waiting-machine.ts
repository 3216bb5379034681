import { localStateMachineArn } from '../../local/local-account.ts';

/** The state machine whose tasks may wait for batches, in the configurations that name one. */
export const waitingMachineArn = localStateMachineArn.replace(/[^:]+$/, 'pipeline');
