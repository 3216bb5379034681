import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { StoredObject } from './stored-object.ts';

/** There are no accounts here; S3 documentation uses zeros as the placeholder too. */
const localAccount = '000000000000';
export const localRegion = 'us-east-1';

const creationReasonSchema = z.enum(['PutObject', 'CompleteMultipartUpload', 'CopyObject']);
export type CreationReason = z.infer<typeof creationReasonSchema>;

/**
 * The EventBridge event "Object Created" as S3 sends it: the key is not URL-encoded, the etag carries no quotes.
 *
 * Source: S3 user guide, "EventBridge event message structure".
 */
export const objectCreatedEventSchema = z.strictObject({
  version: z.literal('0'),
  id: z.string(),
  'detail-type': z.literal('Object Created'),
  source: z.literal('aws.s3'),
  account: z.string(),
  time: z.string(),
  region: z.string(),
  resources: z.array(z.string()),
  detail: z.strictObject({
    version: z.literal('0'),
    bucket: z.strictObject({ name: z.string() }),
    object: z.strictObject({ key: z.string(), size: z.number(), etag: z.string(), sequencer: z.string() }),
    'request-id': z.string(),
    requester: z.string(),
    'source-ip-address': z.string(),
    reason: creationReasonSchema,
  }),
});
export type ObjectCreatedEvent = z.infer<typeof objectCreatedEventSchema>;

/** Describes the creation of an object; the event's id stays the same over all its deliveries. */
export function objectCreatedEvent(
  object: StoredObject,
  origin: { reason: CreationReason; requestId: string },
): ObjectCreatedEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: localAccount,
    time: `${new Date(object.lastModified).toISOString().slice(0, 19)}Z`,
    region: localRegion,
    resources: [`arn:aws:s3:::${object.bucket}`],
    detail: {
      version: '0',
      bucket: { name: object.bucket },
      object: { key: object.key, size: object.size, etag: object.etag, sequencer: object.sequencer },
      'request-id': origin.requestId,
      requester: localAccount,
      'source-ip-address': '127.0.0.1',
      reason: origin.reason,
    },
  };
}
