import type { BodyStore } from './body-store.ts';
import type { S3Catalog, StoredBucket } from './catalog.ts';
import { S3Error } from './errors.ts';
import { type CreationReason, type ObjectCreatedEvent, objectCreatedEvent } from './object-created-event.ts';
import { checkWriteConditions } from './preconditions.ts';
import type { S3Request } from './s3-request.ts';
import type { StoredObject } from './stored-object.ts';

interface ObjectStoreOptions {
  catalog: S3Catalog;
  bodies: BodyStore;
  /** Whether an upload must name the algorithm of its parts' checksums. */
  strictChecksums: boolean;
  /** Whether the creation of this key raises an event. */
  raisesEvent: (key: string) => boolean;
  onEvent: (event: ObjectCreatedEvent) => void;
}

/** What a write brings; the store adds time and sequencer. */
export type NewObject = Omit<StoredObject, 'bucket' | 'key' | 'lastModified' | 'sequencer'>;

/** The objects of all buckets. Lookups and commits are synchronous, hence atomic. */
export class ObjectStore {
  readonly catalog: S3Catalog;
  readonly bodies: BodyStore;
  readonly strictChecksums: boolean;
  readonly #options: ObjectStoreOptions;

  constructor(options: ObjectStoreOptions) {
    this.catalog = options.catalog;
    this.bodies = options.bodies;
    this.strictChecksums = options.strictChecksums;
    this.#options = options;
  }

  createBucket(name: string): void {
    if (!this.catalog.buckets.has(name)) {
      this.catalog.commit({ type: 'bucket-created', name, createdAt: Date.now() });
    }
  }

  /** @throws S3Error NoSuchBucket */
  bucket(name: string): StoredBucket {
    const bucket = this.catalog.buckets.get(name);
    if (bucket === undefined) {
      throw new S3Error('NoSuchBucket', 'The specified bucket does not exist');
    }
    return bucket;
  }

  /** @throws S3Error NoSuchBucket, NoSuchKey */
  object(bucketName: string, key: string): StoredObject {
    const object = this.bucket(bucketName).objects.get(key);
    if (object === undefined) {
      throw new S3Error('NoSuchKey', 'The specified key does not exist.');
    }
    return object;
  }

  /**
   * Makes an object, together with its event, under the request's conditions.
   *
   * @throws S3Error NoSuchBucket, PreconditionFailed; the caller then still owns the new body.
   */
  create(request: S3Request, content: NewObject, reason: CreationReason): StoredObject {
    const current = this.bucket(request.bucket).objects.get(request.key);
    checkWriteConditions(request.headers, current);
    const object: StoredObject = {
      ...content,
      bucket: request.bucket,
      key: request.key,
      lastModified: Date.now(),
      sequencer: this.catalog.nextSequencer(),
    };
    const event = this.#options.raisesEvent(object.key)
      ? objectCreatedEvent(object, { reason, requestId: request.requestId })
      : undefined;
    this.bodies.discard(this.catalog.commit({ type: 'object-created', object, event }));
    if (event !== undefined) {
      this.#options.onEvent(event);
    }
    return object;
  }

  /** Deletes the object if there is one. */
  delete(bucketName: string, key: string): void {
    if (this.bucket(bucketName).objects.get(key) !== undefined) {
      this.bodies.discard(this.catalog.commit({ type: 'object-deleted', bucket: bucketName, key }));
    }
  }
}
