import { z } from 'zod';
import { CommitLog } from './commit-log.ts';
import { type ObjectCreatedEvent, objectCreatedEventSchema } from './object-created-event.ts';
import { SortedKeyMap } from './sorted-keys.ts';
import {
  type Segment,
  type StoredObject,
  type StoredPart,
  type StoredUpload,
  storedObjectSchema,
  storedPartSchema,
  storedUploadSchema,
} from './stored-object.ts';

/** Everything that can happen to the stored state, one line of the log each. */
const commitSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('sequencer-advanced'), last: z.int() }),
  z.strictObject({ type: z.literal('bucket-created'), name: z.string(), createdAt: z.int() }),
  /** Carries its event, so that an object is never there without it; and ends the upload that made the object. */
  z.strictObject({
    type: z.literal('object-created'),
    object: storedObjectSchema,
    event: objectCreatedEventSchema.optional(),
  }),
  z.strictObject({ type: z.literal('object-deleted'), bucket: z.string(), key: z.string() }),
  z.strictObject({ type: z.literal('upload-created'), upload: storedUploadSchema }),
  z.strictObject({ type: z.literal('part-stored'), uploadId: z.string(), part: storedPartSchema }),
  z.strictObject({ type: z.literal('upload-aborted'), uploadId: z.string() }),
  z.strictObject({ type: z.literal('event-pending'), event: objectCreatedEventSchema }),
  z.strictObject({ type: z.literal('event-delivered'), id: z.string() }),
]);
type Commit = z.infer<typeof commitSchema>;

export interface StoredBucket {
  name: string;
  /** Unix timestamp (in milliseconds). */
  createdAt: number;
  objects: SortedKeyMap<StoredObject>;
}

export interface OpenUpload extends StoredUpload {
  parts: Map<number, StoredPart>;
}

/** A log twice as long as what it says, plus this many lines, is rewritten. */
const compactionSlackLines = 10_000;
/** 2^53 / 1024 milliseconds last until the year 2248; 1024 commits per millisecond are more than a disk takes. */
const sequencersPerMillisecond = 1024;
const sequencerDigits = 18;

/**
 * What is stored, held in memory and in a log on disk.
 *
 * A commit is checked, written and applied in one turn of the event loop: callers that look up and commit without an
 * `await` in between are atomic.
 */
export class S3Catalog {
  readonly buckets = new Map<string, StoredBucket>();
  readonly uploads = new Map<string, OpenUpload>();
  readonly pendingEvents = new Map<string, ObjectCreatedEvent>();
  #log: CommitLog | undefined;
  #logLines = 0;
  #compactAtLines = 0;
  #lastSequencer = 0;

  private constructor() {}

  /** @throws Error if a line of the log, other than a torn last one, is not a commit. */
  static async open(file: string): Promise<S3Catalog> {
    const catalog = new S3Catalog();
    catalog.#log = await CommitLog.open(file, (line) => {
      catalog.#logLines += 1;
      catalog.#apply(parseCommit(line, `${file}:${catalog.#logLines}`));
    });
    catalog.#compactIfWorthwhile();
    return catalog;
  }

  /** Makes a change permanent. @returns body files that nothing refers to any more. */
  commit(commit: Commit): Segment[] {
    if (this.#log === undefined) {
      throw new Error('The local S3 server has been closed.');
    }
    this.#log.append(JSON.stringify(commit));
    this.#logLines += 1;
    const unused = this.#apply(commit);
    this.#compactIfWorthwhile();
    return unused;
  }

  /** Hexadecimal, of fixed width, greater than all before, restarts and deletions included. */
  nextSequencer(): string {
    this.#lastSequencer = Math.max(this.#lastSequencer + 1, Date.now() * sequencersPerMillisecond);
    return this.#lastSequencer.toString(16).toUpperCase().padStart(sequencerDigits, '0');
  }

  /** The names of all body files in use. */
  committedFiles(): Set<string> {
    const files = new Set<string>();
    for (const bucket of this.buckets.values()) {
      for (const object of bucket.objects.values()) {
        for (const { file } of object.segments) {
          files.add(file);
        }
      }
    }
    for (const upload of this.uploads.values()) {
      for (const part of upload.parts.values()) {
        files.add(part.segment.file);
      }
    }
    return files;
  }

  close(): void {
    this.#log?.close();
    this.#log = undefined;
  }

  #apply(commit: Commit): Segment[] {
    switch (commit.type) {
      case 'sequencer-advanced':
        this.#lastSequencer = Math.max(this.#lastSequencer, commit.last);
        return [];
      case 'bucket-created':
        this.buckets.set(commit.name, { name: commit.name, createdAt: commit.createdAt, objects: new SortedKeyMap() });
        return [];
      case 'object-created':
        return this.#applyObject(commit.object, commit.event);
      case 'object-deleted':
        return this.#applyDeletion(commit.bucket, commit.key);
      case 'upload-created':
        this.uploads.set(commit.upload.uploadId, { ...commit.upload, parts: new Map() });
        return [];
      case 'part-stored':
        return this.#applyPart(commit.uploadId, commit.part);
      case 'upload-aborted':
        return this.#removeUpload(commit.uploadId);
      case 'event-pending':
        this.pendingEvents.set(commit.event.id, commit.event);
        return [];
      case 'event-delivered':
        this.pendingEvents.delete(commit.id);
        return [];
    }
  }

  #applyObject(object: StoredObject, event: ObjectCreatedEvent | undefined): Segment[] {
    const objects = this.#objectsOf(object.bucket);
    const replaced = objects.get(object.key)?.segments ?? [];
    const parts = object.uploadId === undefined ? [] : this.#removeUpload(object.uploadId);
    objects.set(object.key, object);
    this.#lastSequencer = Math.max(this.#lastSequencer, Number.parseInt(object.sequencer, 16));
    if (event !== undefined) {
      this.pendingEvents.set(event.id, event);
    }
    const used = new Set(object.segments.map(({ file }) => file));
    return [...replaced, ...parts].filter(({ file }) => !used.has(file));
  }

  #applyDeletion(bucket: string, key: string): Segment[] {
    const objects = this.#objectsOf(bucket);
    const segments = objects.get(key)?.segments ?? [];
    objects.delete(key);
    return segments;
  }

  #applyPart(uploadId: string, part: StoredPart): Segment[] {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) {
      throw new Error(`A part was stored for the unknown upload ${uploadId}.`);
    }
    const replaced = upload.parts.get(part.partNumber);
    upload.parts.set(part.partNumber, part);
    return replaced === undefined ? [] : [replaced.segment];
  }

  #removeUpload(uploadId: string): Segment[] {
    const parts = this.uploads.get(uploadId)?.parts ?? new Map<number, StoredPart>();
    this.uploads.delete(uploadId);
    return [...parts.values()].map((part) => part.segment);
  }

  #objectsOf(bucketName: string): SortedKeyMap<StoredObject> {
    const bucket = this.buckets.get(bucketName);
    if (bucket === undefined) {
      throw new Error(`An object was stored in the unknown bucket ${bucketName}.`);
    }
    return bucket.objects;
  }

  #compactIfWorthwhile(): void {
    if (this.#logLines < this.#compactAtLines) {
      return;
    }
    this.#compactAtLines = 2 * this.#countCommits() + compactionSlackLines;
    if (this.#logLines >= this.#compactAtLines) {
      this.#log?.replaceAll(this.#snapshotLines());
      this.#logLines = this.#countCommits();
    }
  }

  #countCommits(): number {
    const objects = this.buckets.values().reduce((sum, bucket) => sum + bucket.objects.size, 0);
    const parts = this.uploads.values().reduce((sum, upload) => sum + upload.parts.size, 0);
    return 1 + this.buckets.size + objects + this.uploads.size + parts + this.pendingEvents.size;
  }

  *#snapshotLines(): Generator<string> {
    for (const commit of this.#snapshot()) {
      yield JSON.stringify(commit);
    }
  }

  /** The commits that lead to the present state. */
  *#snapshot(): Generator<Commit> {
    yield { type: 'sequencer-advanced', last: this.#lastSequencer };
    for (const { name, createdAt, objects } of this.buckets.values()) {
      yield { type: 'bucket-created', name, createdAt };
      for (const object of objects.values()) {
        yield { type: 'object-created', object };
      }
    }
    for (const { parts, ...upload } of this.uploads.values()) {
      yield { type: 'upload-created', upload };
      for (const part of parts.values()) {
        yield { type: 'part-stored', uploadId: upload.uploadId, part };
      }
    }
    for (const event of this.pendingEvents.values()) {
      yield { type: 'event-pending', event };
    }
  }
}

function parseCommit(line: string, position: string): Commit {
  try {
    return commitSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new Error(`${position} is not a commit; restore the data folder or remove it to start afresh.`, {
      cause: error,
    });
  }
}
