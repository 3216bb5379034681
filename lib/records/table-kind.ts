/** How an input table is written: text with commas or another delimiter, text with tabs, or one JSON object per line. */
export const tableKinds = ['csv', 'tsv', 'json'] as const;
export type TableKind = (typeof tableKinds)[number];

/** Kinds of the results table. */
export const outputFormats = ['jsonl', 'csv', 'parquet'] as const;
export type OutputFormat = (typeof outputFormats)[number];

const tableExtension = /\.(?:rows\.jsonl|ndjson|csv|tsv)$/i;

/** What an object's name says of its bytes; `unnamed` where it has no extension, null for an extension that no input has. */
export function kindByName(name: string): TableKind | 'requests' | 'unnamed' | null {
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
export const inputNames = '*.jsonl (requests), *.csv, *.tsv, *.rows.jsonl or *.ndjson (tables)';
