import type { BatchOptionsInput } from '../../../lib/records/options.ts';

/** S3's limit on all names and values together. Source: S3's user guide, object metadata. */
const maxMetadataBytes = 2_048;

/** Options on their way with a file: as the object's metadata, or beside it where they are too large for that; a task's token always is beside it. */
export interface DropOptions {
  metadata: Record<string, string>;
  /** The text of `<name>.options.json`, or null. */
  sidecar: string | null;
}

export function dropOptions({ task_token, ...options }: BatchOptionsInput): DropOptions {
  const metadata = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name.replaceAll('_', '-'), headerText(value)]),
  );
  const bytes = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  const fits = bytes <= maxMetadataBytes && Object.values(metadata).every(isHeaderText);
  const beside = { ...(!fits && options), ...(task_token !== undefined && { task_token }) };
  const isEmpty = Object.keys(beside).length === 0;
  return { metadata: fits ? metadata : {}, sidecar: isEmpty ? null : JSON.stringify(beside) };
}

function headerText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Headers are ASCII; anything else would arrive as something else. */
function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
