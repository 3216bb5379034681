import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { setEnvironment } from '../../../local/environment.ts';
import { localCredentials, localRegion } from '../../../local/local-account.ts';
import { startLocalS3 } from '../../../local/s3/server.ts';
import { bucket } from './workplace.ts';

/** Runs an S3 beside the tests of a file, where AWS's own variables find it. */
export function withBucket(): void {
  const resources = new AsyncDisposableStack();
  beforeAll(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'provider-bucket-'));
    resources.defer(() => rmSync(dataDir, { recursive: true, force: true }));
    const s3 = await startLocalS3({ dataDir, buckets: [bucket] });
    resources.defer(s3.close);
    resources.defer(
      setEnvironment({
        AWS_ENDPOINT_URL_S3: s3.url,
        AWS_REGION: localRegion,
        AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
      }),
    );
  });
  afterAll(() => resources.disposeAsync());
}
