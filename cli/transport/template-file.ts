import { readFile } from 'node:fs/promises';
import { InvalidInputError, messageOf } from '../../lib/records/errors.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import { headBytes } from '../../lib/tables/input-kind.ts';
import { type InputFile, readInflated } from './input-file.ts';

/** @throws InvalidInputError for what is no JSON object. */
export async function readTemplate(path: string): Promise<JsonObject> {
  const text = await readFile(path, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new InvalidInputError('invalid_template', `${path} is not valid JSON: ${messageOf(cause)}`, { cause });
  }
  throw new InvalidInputError('invalid_template', `${path} must hold a JSON object: a request with placeholders.`);
}

/** @returns the bytes that say what a file is. */
export async function readHead(file: InputFile): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of readInflated(file)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= headBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, headBytes);
}
