import { firstLacking, type Permissions, refusalText } from '../permissions.ts';
import { S3Error } from './errors.ts';
import { needOfKnowingWhatIsMissing, needOfRemoval, needsOfRequest } from './needs.ts';
import type { ObjectStore } from './object-store.ts';
import { handlers } from './operations/handlers.ts';
import type { S3Answer, S3Request } from './s3-request.ts';

/**
 * Answers a request as far as its caller has the rights for it.
 *
 * @throws S3Error AccessDenied where a right is lacking, also in place of a NoSuchKey to who may not list the bucket.
 */
export async function permittedAnswer(
  store: ObjectStore,
  request: S3Request,
  permissions: Permissions | undefined,
): Promise<S3Answer> {
  if (!permissions) return await handlers[request.operation](store, request);
  const { caller, bucket } = request;
  const lacking = firstLacking(permissions, caller, needsOfRequest(request));
  if (lacking) throw new S3Error('AccessDenied', refusalText(caller, lacking));
  const mayRemove = (key: string) => firstLacking(permissions, caller, [needOfRemoval(bucket, key)]) === null;
  try {
    return await handlers[request.operation](store, { ...request, mayRemove });
  } catch (error) {
    const isMissing = error instanceof S3Error && error.code === 'NoSuchKey';
    if (!isMissing || permissions.allow(caller, needOfKnowingWhatIsMissing(bucket))) throw error;
    throw new S3Error('AccessDenied', 'Access Denied', { cause: error });
  }
}
