import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { TableBytes } from '../../lib/tables/table-bytes.ts';

/** DuckDB with a folder of its own: what others write and read. */
export class Duck {
  readonly #folder: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(folder: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#folder = folder;
    this.#instance = instance;
    this.#connection = connection;
  }

  static async start(): Promise<Duck> {
    const folder = await mkdtemp(join(tmpdir(), 'batchdrop-duckdb-'));
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    await connection.run("set timezone = 'UTC'");
    return new Duck(folder, instance, connection);
  }

  async stop(): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
    await rm(this.#folder, { recursive: true });
  }

  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjectsJson();
  }

  /** @param options of Parquet's writer, such as `compression zstd`. */
  async parquet(query: string, options = ''): Promise<Buffer> {
    const path = this.path('written.parquet');
    await this.run(`copy (${query}) to '${path}' (format parquet${options === '' ? '' : `, ${options}`})`);
    return readFile(path);
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  async put(name: string, bytes: Buffer): Promise<string> {
    await writeFile(this.path(name), bytes);
    return this.path(name);
  }
}

/** A table in memory, and how many bytes of it were asked for. */
export function bytesInMemory(bytes: Buffer): TableBytes & { asked: number } {
  const source = {
    bytes: bytes.length,
    asked: 0,
    async *from(start: number) {
      yield bytes.subarray(start);
    },
    async between(start: number, end: number) {
      source.asked += end - start;
      return Buffer.from(bytes.subarray(start, end));
    },
  };
  return source;
}
