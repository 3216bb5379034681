import { InvalidInputError } from '../records/errors.ts';
import { inputNames, kindByName, type TableKind } from '../records/table-kind.ts';

/** Bytes of an object's beginning that say what it is. */
export const headBytes = 4_096;

/** Beginnings of files that no name makes a table of text, and what to do about them. */
const signatures: readonly { bytes: readonly number[]; what: string; advice: string }[] = [
  {
    bytes: [0x50, 0x41, 0x52, 0x31],
    what: 'Apache Parquet',
    advice: 'Parquet is not read: write the table as CSV or as JSON lines.',
  },
  { bytes: [0x1f, 0x8b], what: 'compressed by gzip', advice: 'Compressed input is not read: decompress it first.' },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    what: 'compressed by zstd',
    advice: 'Compressed input is not read: decompress it first.',
  },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: 'a zip archive, such as an Excel workbook',
    advice: 'Save the table as CSV.',
  },
  { bytes: [0xff, 0xfe], what: 'UTF-16', advice: 'Save the table as CSV in UTF-8.' },
  { bytes: [0xfe, 0xff], what: 'UTF-16', advice: 'Save the table as CSV in UTF-8.' },
];

/**
 * Says what an input is: its first bytes decide, and a name that contradicts them is refused.
 *
 * @param head the object's first bytes, at most `headBytes`.
 * @param hasTemplate whether a template was named for this input: then even a `.jsonl` holds rows.
 * @returns `requests`, or the kind of the table.
 * @throws InvalidInputError `unsupported_file`, `empty_file`
 */
export function inputKind(name: string, head: Buffer, hasTemplate: boolean): TableKind | 'requests' {
  const named = kindByName(name);
  if (named === null)
    throw unsupported(`${shown(name)} has another extension. Name it ${inputNames}, or without an extension.`);
  if (head.length === 0) throw new InvalidInputError('empty_file', 'The input file is empty.');
  const signature = signatures.find(({ bytes }) => bytes.every((byte, place) => head[place] === byte));
  if (signature) throw unsupported(`${shown(name)} is ${signature.what}. ${signature.advice}`);
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
