import { intake } from '../lib/pipeline/intake/intake.ts';
import { objectCreatedSchema } from './events.ts';
import { stepHandler } from './runtime.ts';

export const handler = stepHandler(objectCreatedSchema, (services, { detail: { bucket, object } }) =>
  intake(services, { bucket: bucket.name, key: object.key, etag: object.etag, sequencer: object.sequencer }),
);
