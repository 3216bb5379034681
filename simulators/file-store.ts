import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, readRecord, writeRecord } from './state-store.ts';

const fileRecordSchema = z.strictObject({
  id: z.string(),
  sequence: z.number(),
  bytes: z.number(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
  fileName: z.string(),
  purpose: z.string(),
  /** Where the content is: the store's own folder, or a batch's for its results. */
  contentPath: z.string(),
  /** The batch that a result file came from. */
  batchId: z.string().nullable(),
});
export type FileRecord = z.infer<typeof fileRecordSchema>;

/** The stored files; one that is stored survives a restart. */
export class FileStore {
  readonly #folder: string;
  readonly #records = new Map<string, FileRecord>();
  /** Files deleted by the client, so that a result file is not put back. */
  readonly #deleted = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
    for (const id of listFolder(folder)) this.#load(id);
  }

  has(id: string): boolean {
    return this.#records.has(id) || this.#deleted.has(id);
  }

  find(id: string): FileRecord | undefined {
    return this.#records.get(id);
  }

  newestFirst(): FileRecord[] {
    return [...this.#records.values()].sort((left, right) => right.sequence - left.sequence);
  }

  /** Takes over an uploaded content by renaming it, then stores the record: from then on the file exists. */
  putUpload(file: Omit<FileRecord, 'sequence' | 'contentPath' | 'batchId'>, uploadedPath: string): FileRecord {
    const folder = join(this.#folder, file.id);
    mkdirSync(folder, { recursive: true });
    const contentPath = join(folder, 'content');
    renameSync(uploadedPath, contentPath);
    return this.#put({ ...file, sequence: this.#nextSequence(), contentPath, batchId: null });
  }

  putResult(file: Omit<FileRecord, 'sequence'>): FileRecord {
    return this.#put({ ...file, sequence: this.#nextSequence() });
  }

  delete(id: string): void {
    writeRecord(join(this.#folder, id, 'deleted.json'), true);
    this.#records.delete(id);
    this.#deleted.add(id);
    rmSync(join(this.#folder, id, 'content'), { force: true });
  }

  #put(record: FileRecord): FileRecord {
    writeRecord(join(this.#folder, record.id, 'record.json'), record);
    this.#records.set(record.id, record);
    return record;
  }

  #load(id: string): void {
    if (readRecord(join(this.#folder, id, 'deleted.json')) !== undefined) {
      this.#deleted.add(id);
      return;
    }
    const record = readRecord(join(this.#folder, id, 'record.json'));
    if (record !== undefined) this.#records.set(id, fileRecordSchema.parse(record));
  }

  #nextSequence(): number {
    let last = 0;
    for (const record of this.#records.values()) last = Math.max(last, record.sequence);
    return last + 1;
  }
}
