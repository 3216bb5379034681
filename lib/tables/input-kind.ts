import { type SignedForm, signedForm } from '../lines/file-signature.ts';
import { InvalidInputError } from '../records/errors.ts';
import { inputNames, kindByName, type TableKind } from '../records/table-kind.ts';

/** Bytes of an object's beginning that say what it is. */
export const headBytes = 4_096;

/** The rest of a sentence that begins with a table's file: what it is instead, and what to do. */
const adviceByForm: Record<SignedForm, string> = {
  parquet: 'is Apache Parquet. Name it *.parquet.',
  'encrypted-parquet': 'is encrypted Parquet. Write it without encryption.',
  gzip: 'is compressed by gzip. Put .gz behind its name, such as *.csv.gz.',
  zstd: 'is compressed by zstd. Put .zst behind its name, such as *.csv.zst.',
  zip: 'is a zip archive, such as an Excel workbook. Save the table as CSV.',
  'utf-16le': 'is UTF-16. Save the table as CSV in UTF-8.',
  'utf-16be': 'is UTF-16. Save the table as CSV in UTF-8.',
};

/**
 * Says what an input is: its first bytes decide, and a name that contradicts them is refused.
 *
 * @param head the object's first bytes, inflated, at most `headBytes`.
 * @param hasTemplate whether a template was named for this input: then even a `.jsonl` holds rows.
 * @returns `requests`, or the kind of the table.
 * @throws InvalidInputError `unsupported_file`, `empty_file`
 */
export function inputKind(name: string, head: Buffer, hasTemplate: boolean): TableKind | 'requests' {
  const named = kindByName(name);
  if (named === null)
    throw unsupported(`${shown(name)} has another extension. Name it ${inputNames}, or without an extension.`);
  if (head.length === 0) throw new InvalidInputError('empty_file', 'The input file is empty.');
  const signed = signedForm(head);
  if (signed === 'parquet' && (named === 'parquet' || named === 'unnamed')) return 'parquet';
  if (signed) throw unsupported(`${shown(name)} ${adviceByForm[signed]}`);
  const looksLikeJson = firstCharacter(head) === '{';
  switch (named) {
    case 'requests':
      return hasTemplate ? 'json' : 'requests';
    case 'json':
      if (!looksLikeJson)
        throw unsupported(`${shown(name)} does not begin with a JSON object. Write one object per line.`);
      return 'json';
    case 'csv':
    case 'tsv':
      if (looksLikeJson && isJsonObject(head))
        throw unsupported(`${shown(name)} holds JSON lines and no ${named.toUpperCase()}. Name it *.rows.jsonl.`);
      return named;
    case 'parquet':
      throw unsupported(`${shown(name)} does not begin as Apache Parquet does. Name it for what it is: ${inputNames}.`);
    case 'unnamed':
      if (looksLikeJson) return hasTemplate ? 'json' : 'requests';
      return hasTabs(head) ? 'tsv' : 'csv';
  }
}

function unsupported(message: string): InvalidInputError {
  return new InvalidInputError('unsupported_file', message, { param: 'file' });
}

function shown(name: string): string {
  return `'${name.slice(name.lastIndexOf('/') + 1).slice(0, 200)}'`;
}

function firstCharacter(head: Buffer): string {
  return head
    .toString('utf8', 0, 512)
    .replace(/^\uFEFF/, '')
    .trimStart()
    .slice(0, 1);
}

/** Whether the first line is an object of JSON: a header may begin with a brace as well. */
function isJsonObject(head: Buffer): boolean {
  return /^\s*\{\s*(?:"|\})/.test(head.toString('utf8').replace(/^\uFEFF/, ''));
}

function hasTabs(head: Buffer): boolean {
  const [first = ''] = head.toString('utf8').split('\n', 1);
  return first.includes('\t') && !first.includes(',');
}
