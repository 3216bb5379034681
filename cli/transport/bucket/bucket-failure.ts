import { S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf } from '../../../lib/records/errors.ts';
import { CommandError, exitStatus } from '../../exit-status.ts';

/** Does something in the bucket; what goes wrong there is one sentence. */
export async function inBucket<Result>(bucket: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw asCommandError(bucket, error);
  }
}

/** @returns the error itself where it is not of the call. */
function asCommandError(bucket: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof S3ServiceException) return refusalError(bucket, error);
  if (error.name === 'CredentialsProviderError' || error.message === 'Region is missing')
    return new CommandError(
      exitStatus.unreachable,
      `There are no AWS credentials, or no region: set AWS_PROFILE and AWS_REGION (${messageOf(error)}).`,
      { cause: error },
    );
  if ('code' in error && 'syscall' in error && !('path' in error))
    return new CommandError(exitStatus.unreachable, `S3 does not answer: ${error.message}.`, { cause: error });
  return error;
}

function refusalError(bucket: string, error: S3ServiceException): CommandError {
  if (error.name === 'NoSuchBucket')
    return new CommandError(exitStatus.invalid, `There is no bucket ${bucket}.`, { cause: error });
  const status = error.$metadata.httpStatusCode;
  const what = status === 403 ? 'refused' : 'could not do';
  return new CommandError(
    exitStatus.unreachable,
    `S3 ${what} it in bucket ${bucket}: ${error.name}, ${error.message}`,
    {
      cause: error,
    },
  );
}
