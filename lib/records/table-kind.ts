/** How an input table is written: text with commas or another delimiter, text with tabs, one JSON object per line, or Apache Parquet. */
export const tableKinds = ['csv', 'tsv', 'json', 'parquet'] as const;
export type TableKind = (typeof tableKinds)[number];

/** Kinds of the results table. */
export const outputFormats = ['jsonl', 'csv', 'parquet'] as const;
export type OutputFormat = (typeof outputFormats)[number];

const tableExtension = /\.(?:rows\.jsonl|ndjson|csv|tsv|parquet)$/i;

/** How an input is compressed. */
export type Compression = 'gzip' | 'zstd';

/** @returns how an object of that name is compressed; null where it is not. */
export function compressionOf(name: string): Compression | null {
  if (/\.gz$/i.test(name)) return 'gzip';
  return /\.zst$/i.test(name) ? 'zstd' : null;
}

/** What an object's name says of its bytes; `unnamed` where it has no extension, null for an extension that no input has. */
export function kindByName(name: string): TableKind | 'requests' | 'unnamed' | null {
  if (compressionOf(name) === null) return kindOf(name);
  const kind = kindOf(name.replace(/\.[^.]*$/, ''));
  // Parquet compresses itself, page by page, and is read here and there.
  return kind === 'parquet' || kind === 'unnamed' ? null : kind;
}

function kindOf(name: string): TableKind | 'requests' | 'unnamed' | null {
  const file = name.slice(name.lastIndexOf('/') + 1);
  const [extension = ''] = tableExtension.exec(file) ?? [];
  switch (extension.toLowerCase()) {
    case '.csv':
      return 'csv';
    case '.tsv':
      return 'tsv';
    case '.ndjson':
    case '.rows.jsonl':
      return 'json';
    case '.parquet':
      return 'parquet';
    default:
      if (/\.jsonl$/i.test(file)) return 'requests';
      return file.includes('.') ? null : 'unnamed';
  }
}

/** Whether the name is that of a table, and not of requests. */
export function isTableName(name: string): boolean {
  const kind = kindByName(name);
  return kind !== null && kind !== 'requests' && kind !== 'unnamed';
}

/** Names that an input may have. */
export const inputNames =
  '*.jsonl (requests), *.csv, *.tsv, *.rows.jsonl or *.ndjson (tables), with .gz or .zst behind it if it is compressed, or *.parquet';
