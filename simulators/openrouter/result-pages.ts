import { createWriteStream, existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BatchLedger } from '../batch-ledger.ts';
import type { BatchRecord } from '../batch-record.ts';
import { type JsonObject, parseJson } from '../json.ts';
import { readLines } from '../jsonl-lines.ts';

/** Writes batches with their results, once each. */
export class ResultPages {
  readonly #folder: string;
  readonly #ledger: BatchLedger;

  constructor(folder: string, ledger: BatchLedger) {
    this.#folder = folder;
    this.#ledger = ledger;
  }

  async pathOf(record: BatchRecord, batch: JsonObject): Promise<string> {
    const path = join(this.#folder, `${record.id}.json`);
    if (existsSync(path)) return path;
    await mkdir(this.#folder, { recursive: true });
    const { output, errors } = this.#ledger.paths(record.id);
    await pipeline(pageOf(batch, [output, errors]), createWriteStream(path));
    return path;
  }
}

async function* pageOf(batch: JsonObject, files: readonly string[]): AsyncGenerator<string> {
  const { results: _none, error, ...members } = batch;
  yield `${JSON.stringify(members).slice(0, -1)},"results":[`;
  let separator = '';
  for (const file of files.filter((path) => existsSync(path)))
    for await (const { bytes } of readLines(file)) {
      yield `${separator}${elementOf(bytes.toString('utf8'))}`;
      separator = ',';
    }
  yield `],"error":${JSON.stringify(error)}}`;
}

/** What is no JSON cannot stand in a list; it is there as a text. */
function elementOf(line: string): string {
  return parseJson(line) === undefined ? JSON.stringify(line) : line;
}
