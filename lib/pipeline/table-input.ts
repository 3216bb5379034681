import { inflated } from '../lines/inflate.ts';
import type { S3Object, TableInput } from '../records/batch.ts';
import { sha256 } from '../records/digest.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { isObject, type JsonObject } from '../records/json.ts';
import { folderTemplateKey, templateWorkKey } from '../records/object-keys.ts';
import type { BatchOptions } from '../records/options.ts';
import { compressionOf, kindByName, type TableKind } from '../records/table-kind.ts';
import type { Objects } from '../store/objects.ts';
import { headBytes, inputKind } from '../tables/input-kind.ts';
import type { Services } from './services.ts';

/** A table that is to become a batch. */
export interface TableDraft {
  kind: TableKind;
  template: JsonObject;
}

/** A template, written as JSON, has at most so many bytes. */
const maxTemplateBytes = 1024 * 1024;

/**
 * Says what an input is. Of what is named as requests nothing is read.
 *
 * @param chunks reads the input from its first byte.
 * @throws InvalidInputError `unsupported_file`, `empty_file`
 */
export async function kindOfInput(
  name: string,
  hasTemplate: boolean,
  chunks: () => AsyncIterable<Uint8Array>,
): Promise<TableKind | 'requests'> {
  if (kindByName(name) === 'requests' && !hasTemplate) return 'requests';
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const compression = compressionOf(name);
  for await (const chunk of compression === null ? chunks() : inflated(chunks(), compression)) {
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes >= headBytes) break;
  }
  return inputKind(name, Buffer.concat(pieces).subarray(0, headBytes), hasTemplate);
}

/**
 * The template that stands in the folder of a drop.
 *
 * @throws InvalidInputError `invalid_template` where it is no JSON object.
 */
export async function folderTemplate(
  objects: Objects,
  drop: Pick<S3Object, 'bucket' | 'key'>,
): Promise<JsonObject | null> {
  const key = folderTemplateKey(drop.key);
  const found = await objects.readText(key, drop.bucket);
  return found && templateIn(found.text, key);
}

function templateIn(text: string, key: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (cause) {
    throw new InvalidInputError('invalid_template', `${key} is not valid JSON: ${messageOf(cause)}`, { cause });
  }
  throw new InvalidInputError('invalid_template', `${key} must hold a JSON object: a request with placeholders.`);
}

/** Why a table without a template is no batch. */
export function templateMissing(name: string): InvalidInputError {
  const message = `'${name}' is a table, and no template says what to ask of each row. Give the option template, or put _template.json into its folder.`;
  return new InvalidInputError('template_missing', message, { param: 'template' });
}

/**
 * Keeps a table's template as a work object, as it is now.
 *
 * @throws InvalidInputError `invalid_template`
 */
export async function frozenTable(
  objects: Objects,
  batchId: string,
  { kind, template }: TableDraft,
  options: Pick<BatchOptions, 'endpoint'>,
): Promise<TableInput> {
  const text = JSON.stringify(template);
  if (Buffer.byteLength(text) > maxTemplateBytes)
    throw new InvalidInputError('invalid_template', `The template has more than ${maxTemplateBytes} bytes.`);
  // Liquid is loaded by those who have a table.
  const { compileTemplate } = await import('../tables/template.ts');
  compileTemplate(template, options.endpoint);
  const hash = sha256(text);
  const key = templateWorkKey(batchId, hash);
  await objects.putText(key, text);
  return { kind, template: { key, sha256: hash }, rows: null };
}

/**
 * Refuses options that nothing would read.
 *
 * @param kind null for an input of requests.
 * @throws InvalidInputError `invalid_option`
 */
export function assertTableOptions(
  { config }: Pick<Services, 'config'>,
  options: BatchOptions,
  kind: TableKind | null,
): void {
  const isText = kind === 'csv' || kind === 'tsv';
  const refuse = (name: keyof BatchOptions, why: string) => {
    if (options[name] === undefined || JSON.stringify(config.defaults[name]) === JSON.stringify(options[name])) return;
    throw new InvalidInputError('invalid_option', `${name} ${why}`, { param: name });
  };
  if (!isText) {
    refuse('delimiter', 'is for tables of text (*.csv, *.tsv) alone.');
    if (kind !== 'parquet') refuse('columns', 'is for tables of text (*.csv, *.tsv) and for *.parquet alone.');
  }
  if (kind === null) {
    if (options.on_invalid_output === 'error')
      refuse('on_invalid_output', "may be 'error' for tables alone: answers to a file of requests stay as they are.");
  }
  if (kind === null && options.output_format === undefined)
    refuse('answer', 'is of the results table; ask for one by output_format.');
  if (outputFormatOf(options, kind) !== 'csv') refuse('escape_formulas', 'is for results tables of CSV alone.');
}

/** @returns null where no results table is asked for. */
export function outputFormatOf(
  { output_format: asked }: Pick<BatchOptions, 'output_format'>,
  kind: TableKind | null,
): NonNullable<BatchOptions['output_format']> | null {
  if (asked !== undefined) return asked;
  switch (kind) {
    case null:
      return null;
    case 'json':
      return 'jsonl';
    case 'csv':
    case 'tsv':
      return 'csv';
    case 'parquet':
      return 'parquet';
  }
}
