import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isObject } from '../../lib/records/json.ts';
import type { Objects } from '../../lib/store/objects.ts';
import type { LocalStack } from '../../local/runtime.ts';
import { bucketOf } from './bucket.ts';
import { type DemoDrop, type DropDisplay, dropFile, dropTable, followDrops } from './drop.ts';
import { fetchResults, type Results } from './results.ts';

const examplesDir = fileURLToPath(new URL('../../examples/', import.meta.url));

/**
 * Drops the examples, follows them to their ends and fetches what came back.
 *
 * @param resultsDir where copies of the results go.
 */
export async function runDemo(stack: LocalStack, resultsDir: string, display: DropDisplay): Promise<Results[]> {
  const bucket = bucketOf(stack);
  const drops = await dropExamples(bucket);
  await followDrops(bucket, drops, display);
  return Promise.all(drops.map((drop) => fetchResults(bucket, drop, resultsDir)));
}

async function dropExamples(bucket: Objects): Promise<DemoDrop[]> {
  const files = (await readdir(examplesDir)).filter((file) => file.endsWith('.jsonl')).sort();
  const read = (file: string) => readFile(join(examplesDir, file), 'utf8');
  const template: unknown = JSON.parse(await read('label.json'));
  if (!isObject(template)) throw new Error('examples/label.json holds no object.');
  return Promise.all([
    ...files.map(async (file) => dropFile(bucket, file, await read(file))),
    dropTable(bucket, 'reviews.csv', await read('reviews.csv'), template),
  ]);
}
