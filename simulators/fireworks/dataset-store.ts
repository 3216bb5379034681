import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { listFolder, readRecord, writeRecord } from '../state-store.ts';
import { uniqueHex } from '../unique-id.ts';

const datasetFileSchema = z.strictObject({ name: z.string(), bytes: z.number(), path: z.string() });

const datasetRecordSchema = z.strictObject({
  account: z.string(),
  id: z.string(),
  displayName: z.string(),
  createdAtMs: z.number(),
  /** As it was declared; never held against the files. */
  exampleCount: z.string(),
  /** Null while it has no files. */
  readyAtMs: z.number().nullable(),
  /** The job that made it; empty for one that was uploaded. */
  sourceJobName: z.string(),
  files: z.array(datasetFileSchema),
  /** Files that were announced, with their sizes, and are waited for. */
  announced: z.record(z.string(), z.number()),
});
export type DatasetRecord = z.infer<typeof datasetRecordSchema>;

/** The datasets of all accounts; one that is stored survives a restart. */
export class DatasetStore {
  readonly #folder: string;
  readonly #records = new Map<string, DatasetRecord>();

  constructor(folder: string) {
    this.#folder = folder;
    for (const name of listFolder(folder)) {
      const record = readRecord(join(folder, name, 'record.json'));
      if (record === undefined) continue; // killed before it was stored
      const dataset = datasetRecordSchema.parse(record);
      this.#records.set(datasetName(dataset), dataset);
    }
  }

  find(name: string): DatasetRecord | undefined {
    return this.#records.get(name);
  }

  /** Those of an account, oldest first. */
  list(account: string): DatasetRecord[] {
    const own = [...this.#records.values()].filter((dataset) => dataset.account === account);
    return own.toSorted((left, right) => left.createdAtMs - right.createdAtMs);
  }

  put(dataset: DatasetRecord): DatasetRecord {
    writeRecord(join(this.#folderOf(dataset), 'record.json'), dataset);
    this.#records.set(datasetName(dataset), dataset);
    return dataset;
  }

  /** Takes over an uploaded file by renaming it. */
  putFile(dataset: DatasetRecord, file: { name: string; bytes: number }, uploadedPath: string): DatasetRecord {
    const folder = this.#folderOf(dataset);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, uniqueHex('file-', 16));
    renameSync(uploadedPath, path);
    return this.put({ ...dataset, files: [...dataset.files, { ...file, path }] });
  }

  delete(dataset: DatasetRecord): void {
    rmSync(this.#folderOf(dataset), { recursive: true, force: true });
    this.#records.delete(datasetName(dataset));
  }

  #folderOf({ account, id }: DatasetRecord): string {
    return join(this.#folder, `${account}+${id}`);
  }
}

export function datasetName({ account, id }: Pick<DatasetRecord, 'account' | 'id'>): string {
  return `accounts/${account}/datasets/${id}`;
}

/** A dataset that has just been made. */
export function newDataset(given: Pick<DatasetRecord, 'account' | 'id'> & Partial<DatasetRecord>): DatasetRecord {
  return {
    displayName: '',
    createdAtMs: Date.now(),
    exampleCount: '0',
    readyAtMs: null,
    sourceJobName: '',
    files: [],
    announced: {},
    ...given,
  };
}
