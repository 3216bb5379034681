/**
 * Every S3 key is built here.
 *
 * Work objects carry their writer's token; the conditional write that names one in a record commits it, and readers
 * follow only names in records. So two writers never meet.
 */

export const inboxPrefix = 'inbox/';
export const sidecarSuffix = '.options.json';

export interface DropLocation {
  tenant: string;
  /** The key without `inbox/`; the status file's name follows from it. */
  path: string;
}

/** @returns whose drop it is, or null where the key is not in the inbox. */
export function locateDrop(key: string, tenants: readonly string[]): DropLocation | null {
  if (!key.startsWith(inboxPrefix)) return null;
  const path = key.slice(inboxPrefix.length);
  const folder = path.slice(0, Math.max(0, path.indexOf('/')));
  return { tenant: tenants.includes(folder) ? folder : 'default', path };
}

export function statusKey(inboxKey: string): string {
  return `status/${inboxKey.slice(inboxPrefix.length)}.json`;
}

export function sidecarKey(inboxKey: string): string {
  return `${inboxKey}${sidecarSuffix}`;
}

export type ResultName =
  | 'output.jsonl'
  | 'errors.jsonl'
  | 'retry.jsonl'
  | 'warnings.jsonl'
  | 'validation.jsonl'
  | 'batch.json';

export function resultKey(batchId: string, name: ResultName): string {
  return `results/${batchId}/${name}`;
}

export function workPrefix(batchId: string): string {
  return `work/${batchId}/`;
}

/** @param token the writer's own, random. */
export function shardWorkKey(batchId: string, token: string, round: number, shard: number, part: string): string {
  return `${workPrefix(batchId)}${round}-${shard}/${token}/${part}`;
}

/** @returns whose answers the work object holds; null where it is something else. */
export function shardOfOutputKey(key: string): { round: number; shard: number } | null {
  const [, round, shard] = /^work\/[^/]+\/(\d+)-(\d+)\/[^/]+\/output\.jsonl$/.exec(key) ?? [];
  return round === undefined || shard === undefined ? null : { round: Number(round), shard: Number(shard) };
}

/** What a run of Prepare leaves to the next one, and its parts of the reports. */
export function prepareWorkKey(batchId: string, token: string, part: string): string {
  return `${workPrefix(batchId)}prepare/${token}/${part}`;
}

/** What a run of Finalize leaves to the next one. */
export function mergeWorkKey(batchId: string, token: string, part: string): string {
  return `${workPrefix(batchId)}merge/${token}/${part}`;
}

/**
 * Answers that were recorded together, or the state of a live shard after them.
 *
 * @param token of the slice.
 * @param group counts within the slice, from 0.
 */
export function liveWorkKey(
  shard: { batchId: string; round: number; shard: number },
  token: string,
  group: number,
  part: 'answers.jsonl' | 'progress.json',
): string {
  return shardWorkKey(shard.batchId, token, shard.round, shard.shard, `${group}-${part}`);
}

/** All objects of a file that came through the API. */
export function filePrefix(fileId: string): string {
  return `files/${fileId}/`;
}

/** @param token the writer's own, random: an upload's part, the list of its parts, or the whole. */
export function fileObjectKey(fileId: string, token: string): string {
  return `${filePrefix(fileId)}${token}`;
}
