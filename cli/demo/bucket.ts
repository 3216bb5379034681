import { S3Client } from '@aws-sdk/client-s3';
import { Objects } from '../../lib/store/objects.ts';
import { localCredentials, localRegion } from '../../local/local-account.ts';
import type { LocalStack } from '../../local/runtime.ts';

/** The bucket of a local stack, reached as anybody with the AWS SDK reaches it. */
export function bucketOf({ s3Url, bucket }: LocalStack): Objects {
  const client = new S3Client({
    endpoint: s3Url,
    region: localRegion,
    credentials: localCredentials,
    forcePathStyle: true,
  });
  return new Objects(client, bucket);
}
