import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalStack } from '../../lib/local/runtime.ts';
import { Bucket } from './bucket.ts';
import { answersReport, costReport, filesReport, findProblems, verdict } from './demo-report.ts';
import { type Drop, dropFile, followDrops } from './drop.ts';
import { createDisplay } from './drop-display.ts';
import { fetchResults } from './results.ts';

const examplesDir = fileURLToPath(new URL('../../examples/', import.meta.url));

/**
 * Drops the examples, follows them on the terminal and shows what came back.
 *
 * @param resultsDir where copies of the results go.
 * @returns whether every request came back exactly once, in the order of its file.
 */
export async function runDemo(stack: LocalStack, resultsDir: string): Promise<boolean> {
  const bucket = new Bucket(stack.s3Url, stack.bucket);
  const drops = await dropExamples(bucket);
  await followDrops(bucket, drops, createDisplay(process.stdout));
  const results = await Promise.all(drops.map((drop) => fetchResults(bucket, drop, resultsDir)));
  const problems = findProblems(results);
  const reports = [answersReport(results), filesReport(results), costReport(results), verdict(results, problems)];
  console.log(`\n${reports.join('\n\n')}`);
  return problems.length === 0;
}

async function dropExamples(bucket: Bucket): Promise<Drop[]> {
  const files = (await readdir(examplesDir)).filter((file) => file.endsWith('.jsonl')).sort();
  return Promise.all(
    files.map(async (file) => dropFile(bucket, file, await readFile(join(examplesDir, file), 'utf8'))),
  );
}
