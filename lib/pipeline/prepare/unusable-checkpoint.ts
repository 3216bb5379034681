import { TransientError } from '../../records/errors.ts';

/** What earlier runs found is no good: the input is read from its start. */
export class UnusableCheckpointError extends TransientError {}
