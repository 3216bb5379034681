import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { inflated } from '../../lib/lines/inflate.ts';
import { statedEndpoint } from '../../lib/lines/stated-endpoint.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { InvalidInputError } from '../../lib/records/errors.ts';
import type { JsonObject } from '../../lib/records/json.ts';
import { compressionOf, inputNames, isTableName, kindByName } from '../../lib/records/table-kind.ts';
import { firstBytes, type TableBytes } from '../../lib/tables/table-bytes.ts';

/** A file of requests, or a table, on this machine. */
export interface InputFile {
  path: string;
  /** Without its folder. */
  name: string;
  bytes: number;
}

/** @throws InvalidInputError for what no transport would take. */
export async function inputFile(path: string): Promise<InputFile> {
  const found = await stat(path);
  const name = basename(path);
  if (!found.isFile()) throw new InvalidInputError('invalid_file', `${path} is not a file.`);
  const kind = kindByName(name);
  if (kind === null || kind === 'unnamed')
    throw new InvalidInputError('unsupported_file', `${path} must be named ${inputNames}.`);
  if (found.size === 0) throw new InvalidInputError('empty_file', `${path} is empty.`);
  return { path, name, bytes: found.size };
}

/** Large enough that the disk is not asked too often, small enough to be nothing. */
const chunkBytes = 1024 * 1024;

export function readInput(file: InputFile): AsyncIterable<Buffer> {
  return createReadStream(file.path, { highWaterMark: chunkBytes });
}

/** What a file holds, inflated if its name says that it is compressed. */
export function readInflated(file: InputFile): AsyncIterable<Buffer> {
  const form = compressionOf(file.name);
  return form === null ? readInput(file) : inflated(readInput(file), form);
}

/** A table, for its reader. One that is compressed is read from its beginning alone. */
export function tableBytesOf(file: InputFile): TableBytes {
  const { path, name, bytes } = file;
  const from = (start: number) =>
    compressionOf(name) === null ? createReadStream(path, { start, highWaterMark: chunkBytes }) : readInflated(file);
  return { bytes, from, between: (start, end) => firstBytes(from(start), end - start) };
}

/** The file for fetch, which reads it as it is sent. */
export function asBlob(file: InputFile): Promise<Blob> {
  return openAsBlob(file.path);
}

/** Where no line is right the batch fails, with every error; what it is for does not matter then. */
const usualEndpoint: Endpoint = '/v1/chat/completions';

/** @returns what the requests are for; the API asks for it, a drop finds out itself. */
export async function endpointIn(file: InputFile, template: JsonObject | undefined): Promise<Endpoint> {
  if (template) {
    const { compileTemplate } = await import('../../lib/tables/template.ts');
    return compileTemplate(template).endpoint;
  }
  if (isTableName(file.name))
    throw new InvalidInputError(
      'template_missing',
      `${file.path} is a table: --template says what to ask of each row.`,
    );
  const { endpoint, errors } = await statedEndpoint(readInflated(file));
  if (endpoint === null && errors.length === 0)
    throw new InvalidInputError('empty_file', `${file.path} has no request lines.`);
  return endpoint ?? usualEndpoint;
}

/** @returns SHA-256 in hex. */
export async function digestOf(file: InputFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readInput(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** A file's name with something before its extension: `reviews.csv` -> `reviews.x.csv`. */
export function nameWith(name: string, inserted: string, separator = '.'): string {
  const [extension = ''] = /(?:\.rows)?\.[^.]*(?:(?<=\.(?:jsonl|csv|tsv|ndjson))\.(?:gz|zst))?$/i.exec(name) ?? [];
  return `${name.slice(0, name.length - extension.length)}${separator}${inserted}${extension}`;
}
