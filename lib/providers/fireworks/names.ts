import { sha256 } from '../../records/digest.ts';
import type { Sending } from '../contract.ts';

/**
 * All names of a sending come from its token, so that each call may be repeated, and a job is known as ours by its name alone.
 * Ids are of a-z, 0-9 and -, and begin with a letter.
 */
export function jobIdOf({ token }: Pick<Sending, 'token'>): string {
  return `batchdrop-${sha256(token).slice(0, 40)}`;
}

export function inputDatasetId(jobId: string): string {
  return `${jobId}-in`;
}

export function outputDatasetId(jobId: string): string {
  return `${jobId}-out`;
}

/** A dataset without rows, which says that we have deleted a job: nothing else tells that from one that is not listed yet. */
export function deletionMarkId(jobId: string): string {
  return `${jobId}-cancelled`;
}

/** The last part of a resource's name, such as `accounts/a/batchInferenceJobs/ID`. */
export function idIn(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
