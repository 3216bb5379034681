import { readFile } from 'node:fs/promises';
import { InvalidInputError, messageOf } from '../../lib/records/errors.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';

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
