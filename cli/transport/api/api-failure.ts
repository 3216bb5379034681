import {
  DeploymentAnswerError,
  DeploymentConnectionError,
  DeploymentReplyError,
} from '../../../lib/client/deployment/failures.ts';
import { hint } from '../../called-as.ts';
import { CommandError, type ExitStatus, exitStatus } from '../../exit-status.ts';

/**
 * Does something at the deployment; what goes wrong there is one sentence.
 *
 * @param url for the sentence.
 */
export async function calling<Result>(url: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw asCommandError(url, error);
  }
}

/** @returns the error itself where it is not of the call. */
function asCommandError(url: string, error: unknown): unknown {
  if (error instanceof DeploymentReplyError)
    return new CommandError(exitStatus.unreachable, `What answers at ${url} is no Batchdrop API.`, { cause: error });
  if (error instanceof DeploymentConnectionError)
    return new CommandError(exitStatus.unreachable, `Nobody answers at ${url}: ${reasonOf(error)}.`, { cause: error });
  if (error instanceof DOMException && error.name === 'NotReadableError')
    return new CommandError(exitStatus.invalid, 'The file changed while it was uploaded.', { cause: error });
  return error instanceof DeploymentAnswerError ? refusal(url, error) : error;
}

function refusal(url: string, error: DeploymentAnswerError): CommandError {
  if (error.status === 401 || error.status === 403)
    return new CommandError(
      exitStatus.unreachable,
      `${url} refused the API key: set BATCHDROP_API_KEY to one that ${hint('keys', 'create')} made.`,
      { cause: error },
    );
  if (error.headers.get('content-type')?.includes('xml'))
    return new CommandError(
      exitStatus.unreachable,
      `What answers at ${url} is no Batchdrop API but speaks XML, as S3 does: a local stack has an address of its own for each, of which ${hint('start')} prints both.`,
      { cause: error },
    );
  const message = error.error?.message ?? `${url} answered ${error.message}.`;
  return new CommandError(statusOf(error), message, { cause: error });
}

const callersFaults: readonly number[] = [400, 404, 409, 422];

function statusOf({ status }: DeploymentAnswerError): ExitStatus {
  return callersFaults.includes(status) ? exitStatus.invalid : exitStatus.unreachable;
}

/** `connect ECONNREFUSED 127.0.0.1:8700`: what the network said, below what fetch made of it. */
function reasonOf(error: Error): string {
  let deepest: Error = error;
  while (deepest.cause instanceof Error) deepest = deepest.cause;
  const [first] = deepest instanceof AggregateError ? deepest.errors : [];
  return (first instanceof Error ? first.message : deepest.message).replace(/\.$/, '');
}
