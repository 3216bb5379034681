import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';

/** Its `baseUrl` is that of Vertex, and of Cloud Storage too unless `storageUrl` says otherwise. */
export const vertexSettings = accountSchema.extend({
  kind: z.literal('vertex'),
  /**
   * Name of the secret with a service account's key, a workload identity's configuration or an access token; without it
   * the application default credentials count.
   */
  secret: z.string().min(1).optional(),
  /** The Google Cloud project's id. */
  project: z.string().regex(/^[a-z0-9][a-z0-9:.-]*$/, 'a project id looks like my-project-123456'),
  /** Where its jobs run, such as `us-central1` or `global`. */
  location: z.string().regex(/^[a-z]+(-[a-z]+[0-9]+)?$/, 'a location looks like us-central1 or global'),
  /** Name of the bucket in Cloud Storage that holds inputs and outputs, below `batchdrop/`. */
  bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'a bucket is its bare name, without gs://'),
  storageUrl: z.url().optional(),
});

export type VertexSettings = SettingsOf<typeof vertexSettings>;
