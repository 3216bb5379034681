import { digest, sha256 } from './digest.ts';
import { fileIdFrom } from './ids.ts';
import { isTableName, kindByName, type OutputFormat } from './table-kind.ts';

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

/** Where a drop's status is. A name that would be too long for S3 is cut, and told from others by a digest of all of it. */
export function statusKey(inboxKey: string): string {
  const whole = `status/${inboxKey.slice(inboxPrefix.length)}.json`;
  if (fits(whole)) return whole;
  const ending = `~${sha256(inboxKey).slice(0, 16)}.json`;
  return `${cutTo(maxKeyBytes - ending.length, `status/${inboxKey.slice(inboxPrefix.length)}`)}${ending}`;
}

/** @returns null where S3 takes no key of that length, so that nobody can have put options there. */
export function sidecarKey(inboxKey: string): string | null {
  const key = `${inboxKey}${sidecarSuffix}`;
  return fits(key) ? key : null;
}

/** Source: S3 user guide, "Naming Amazon S3 objects", read 2026-11. */
const maxKeyBytes = 1_024;

function fits(key: string): boolean {
  return Buffer.byteLength(key) <= maxKeyBytes;
}

/** Cuts a text to so many bytes at most, and no character in two. */
function cutTo(bytes: number, text: string): string {
  return new TextDecoder().decode(Buffer.from(text).subarray(0, bytes), { stream: true });
}

/**
 * Sidecars are no drops, consoles make "folders" by objects whose key ends with a slash, and names that begin with `_` or `.` are
 * notes of tools (`_SUCCESS`) and the folder's template.
 */
export function isNoInput(key: string): boolean {
  return key.endsWith(sidecarSuffix) || key.endsWith('/') || /(?:^|\/)[._][^/]*$/.test(key);
}

/** The template for the tables of a folder. */
const templateName = '_template.json';

/** @returns where the template for the tables of the key's folder stands. */
export function folderTemplateKey(inboxKey: string): string {
  return `${folderOf(inboxKey)}${templateName}`;
}

/** @returns the folder whose tables the key is the template for; null where it is none. */
export function folderOfTemplate(key: string): string | null {
  return key === folderTemplateKey(key) ? folderOf(key) : null;
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** @returns of which input the key is the sidecar, or null where it is none. */
export function inputKeyOf(key: string): string | null {
  if (!key.endsWith(sidecarSuffix)) return null;
  const input = key.slice(0, -sidecarSuffix.length);
  return kindByName(input) === 'requests' || isTableName(input) ? input : `${input}.jsonl`;
}

/** Both ways to name the sidecar of `a.jsonl`: `a.jsonl.options.json` and `a.options.json`. Of another name there is one. */
export function sidecarKeys(inboxKey: string): readonly string[] {
  const names = new Set([inboxKey, inboxKey.replace(/\.jsonl$/i, '')]);
  return [...names].flatMap((key) => sidecarKey(key) ?? []);
}

export type ResultName =
  | 'output.jsonl'
  | 'errors.jsonl'
  | 'retry.jsonl'
  | 'warnings.jsonl'
  | 'validation.jsonl'
  | 'batch.json'
  | 'index';

export function resultKey(batchId: string, name: ResultName): string {
  return `results/${batchId}/${name}`;
}

/** @returns whose result an object is; null where it is something else. */
export function batchOfResult(key: string): string | null {
  return /^results\/([^/]+)\/(?:(?:output|errors)\.jsonl|table\/[^/]+)$/.exec(key)?.[1] ?? null;
}

/** What goes with a batch's result file: the retry file holds the requests of the error file. */
export function keysWithResult(key: string): string[] {
  const batchId = batchOfResult(key);
  return batchId !== null && key.endsWith('/errors.jsonl') ? [key, resultKey(batchId, 'retry.jsonl')] : [key];
}

/** A part of the batch's results table. */
export function resultTableKey(batchId: string, format: OutputFormat, part: number): string {
  return `results/${batchId}/table/part-${String(part).padStart(5, '0')}.${format}`;
}

/** The folder of the results table's parts. */
export function resultTablePrefix(batchId: string): string {
  return `results/${batchId}/table/`;
}

export const workRoot = 'work/';

export function workPrefix(batchId: string): string {
  return `${workRoot}${batchId}/`;
}

/** @param folder as `workPrefix` makes it; null for another. */
export function batchOfWork(folder: string): string | null {
  return /^work\/([^/]+)\/$/.exec(folder)?.[1] ?? null;
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

/** A template as it was when its batch was made; the same text has the same key. */
export function templateWorkKey(batchId: string, templateSha256: string): string {
  return `${workPrefix(batchId)}template/${templateSha256}.json`;
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

/** The file that both result files of a batch are merged in, where somebody reads large ones in Anthropic's form. */
export function joinedResultsFileId(batchId: string): string {
  return fileIdFrom(digest('joined-results', batchId));
}

/** @param token the writer's own, random: an upload's part, the list of its parts, or the whole. */
export function fileObjectKey(fileId: string, token: string): string {
  return `${filePrefix(fileId)}${token}`;
}
