import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Objects } from '../../lib/store/objects.ts';
import type { DemoDrop } from './drop.ts';

/** A result object and its local copy. */
export interface ResultFile {
  uri: string;
  path: string;
  lines: string[];
}

/** What a drop came to. */
export interface Results {
  drop: DemoDrop;
  /** Null where the batch has none, and so are the others. */
  output: ResultFile | null;
  errors: ResultFile | null;
  summary: ResultFile | null;
  /** The first part of the results table. */
  table: ResultFile | null;
}

/** Copies a drop's results into a folder of its own under resultsDir. */
export async function fetchResults(bucket: Objects, drop: DemoDrop, resultsDir: string): Promise<Results> {
  const folder = join(resultsDir, basename(drop.file, '.jsonl'));
  await mkdir(folder, { recursive: true });
  const fetch = (uri: string | null | undefined) => (uri ? fetchFile(bucket, uri, folder) : null);
  const table = drop.status?.table;
  const [output, errors, summary, rows] = await Promise.all([
    fetch(drop.status?.output),
    fetch(drop.status?.errors),
    fetch(drop.status?.summary),
    fetch(table && `${table}part-00000.csv`),
  ]);
  return { drop, output, errors, summary, table: rows };
}

async function fetchFile(bucket: Objects, uri: string, folder: string): Promise<ResultFile> {
  const { text } = (await bucket.readText(uri.replace(`s3://${bucket.bucket}/`, ''))) ?? {};
  if (text === undefined) throw new Error(`The status file names ${uri}, but there is no such object.`);
  const path = join(folder, basename(uri));
  await writeFile(path, text);
  return { uri, path, lines: text.split('\n').filter((line) => line !== '') };
}

/** @returns the result line of a request, or null where there is none. */
export function findResultLine(results: Results, customId: string): string | null {
  const lines = [...(results.output?.lines ?? []), ...(results.errors?.lines ?? [])];
  return lines.find((line) => JSON.parse(line).custom_id === customId) ?? null;
}

const summarySchema = z.object({
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).nullable(),
  batchdrop: z.object({ receipt: z.object({ cost: z.object({ usd: z.number().nullable() }) }) }),
});

export interface Spending {
  inputTokens: number;
  outputTokens: number;
  /** Null where a price is unknown. */
  usd: number | null;
}

/** Reads tokens and cost from the batch's summary. */
export function readSpending(results: Results): Spending {
  if (!results.summary) return { inputTokens: 0, outputTokens: 0, usd: 0 };
  const { usage, batchdrop } = summarySchema.parse(JSON.parse(results.summary.lines.join('\n')));
  return {
    inputTokens: usage?.input_tokens ?? 0,
    outputTokens: usage?.output_tokens ?? 0,
    usd: batchdrop.receipt.cost.usd,
  };
}
