import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Objects } from '../../lib/store/objects.ts';
import type { LocalStack } from '../../local/runtime.ts';
import { bucketOf } from './bucket.ts';
import { type DemoDrop, type DropDisplay, dropFile, followDrops } from './drop.ts';
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
  return Promise.all(
    files.map(async (file) => dropFile(bucket, file, await readFile(join(examplesDir, file), 'utf8'))),
  );
}
