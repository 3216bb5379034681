import { type SignedForm, signedForm } from './file-signature.ts';

/** The rest of a sentence that begins with a file of requests: what it is instead, and what to do. */
const adviceByForm: Record<SignedForm, string> = {
  gzip: 'is gzip: name it *.jsonl.gz',
  zstd: 'is zstd: name it *.jsonl.zst',
  zip: 'is a ZIP archive, as spreadsheets are too: unpack it, and write one JSON request per line',
  parquet: 'is Parquet: name it *.parquet and give a template (docs/tables.md)',
  'encrypted-parquet': 'is encrypted Parquet: write it without encryption',
  'utf-16le': "is UTF-16, as PowerShell's > writes it: save it as UTF-8 (Set-Content -Encoding utf8)",
  'utf-16be': 'is UTF-16: save it as UTF-8',
};

/**
 * Names what a file is, by its beginning, where it is no JSON Lines.
 *
 * @param head the first bytes, cut anywhere.
 * @returns the rest of a sentence that begins with the file; null for a file that has a request line there, or none that is known.
 */
export function foreignForm(head: Buffer): string | null {
  const signed = signedForm(head);
  if (signed) return adviceByForm[signed];
  if (isUtf16(head)) return 'is UTF-16: save it as UTF-8';
  const lines = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const [first = ''] = lines;
  if (lines.some(isRequestLike)) return null;
  if (first === '{' || first === '[' || first === '[{')
    return 'is JSON over several lines: write each request on one line (jq -c . FILE; for a list jq -c .[] FILE)';
  if (/^\[\s*\{/.test(first)) return 'is one JSON list: write each request on a line of its own (jq -c .[] FILE)';
  return isTable(lines)
    ? 'looks like a table (CSV): name it *.csv and give a template (docs/tables.md), or write each row as one JSON request per line'
    : null;
}

/** A NUL beside each letter. */
function isUtf16(head: Buffer): boolean {
  const some = head.subarray(0, 64);
  const nulls = [0, 1].map((rest) => some.filter((byte, place) => byte === 0 && place % 2 === rest).length);
  return some.length >= 4 && Math.max(...nulls) >= some.length / 2 - 1;
}

/** An object that may be a request, be it a wrong one; one within a list or within another object is none. */
function isRequestLike(line: string): boolean {
  if (!line.startsWith('{') || !/"(custom_id|method|params)"/.test(line)) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** The same separators on each of the first lines, of which none begins like JSON. */
function isTable(lines: readonly string[]): boolean {
  const some = lines.slice(0, Math.min(5, lines.length));
  if (some.length < 2 || some.some((line) => /^[[{"']?[[{]/.test(line))) return false;
  return [',', '\t', ';'].some((separator) => {
    const fields = (some[0] ?? '').split(separator).length;
    return fields > 1 && some.every((line) => line.split(separator).length >= fields);
  });
}
