import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { splitLines } from '../../lib/lines/jsonl.ts';
import { parseRequestLine } from '../../lib/lines/request-line.ts';
import { type Endpoint, isEndpoint } from '../../lib/records/endpoints.ts';
import { InvalidInputError } from '../../lib/records/errors.ts';

/** A file of requests on this machine. */
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
  if (!/\.jsonl$/i.test(name))
    throw new InvalidInputError('unsupported_file', `${path} must be named *.jsonl: one JSON request per line.`);
  if (found.size === 0) throw new InvalidInputError('empty_file', `${path} is empty.`);
  return { path, name, bytes: found.size };
}

/** Large enough that the disk is not asked too often, small enough to be nothing. */
const chunkBytes = 1024 * 1024;

export function readInput(file: InputFile): AsyncIterable<Buffer> {
  return createReadStream(file.path, { highWaterMark: chunkBytes });
}

/** The file for fetch, which reads it as it is sent. */
export function asBlob(file: InputFile): Promise<Blob> {
  return openAsBlob(file.path);
}

/** @returns what the first request is for; the API asks for it, a drop finds out itself. */
export async function endpointOf(file: InputFile): Promise<Endpoint> {
  for await (const lines of splitLines(readInput(file)))
    for (const line of lines) {
      const parsed = parseRequestLine(line, undefined);
      if (parsed.ok) return parsed.request.endpoint;
      return statedUrl(line.bytes) ?? usualEndpoint;
    }
  throw new InvalidInputError('empty_file', `${file.path} has no request lines.`);
}

/** For a first line that is wrong: the batch fails there, with every error, and should do so for the right reason. */
const usualEndpoint: Endpoint = '/v1/chat/completions';

function statedUrl(bytes: Buffer | null): Endpoint | null {
  const [, url] = /"url"\s*:\s*"([^"\\]*)"/.exec(bytes?.toString('utf8') ?? '') ?? [];
  return isEndpoint(url) ? url : null;
}

/** @returns SHA-256 in hex. */
export async function digestOf(file: InputFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readInput(file)) hash.update(chunk);
  return hash.digest('hex');
}
