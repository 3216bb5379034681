import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { z } from 'zod';
import { inParallel } from '../lib/pipeline/parallel.ts';
import type { Services } from '../lib/pipeline/services.ts';
import { HelperProcess } from './data-path/helper-process.ts';
import { writeInputFile } from './data-path/input-files.ts';
import { median } from './data-path/measurement.ts';
import { printColumns, type RowOf } from './data-path/report.ts';
import { Workspace } from './data-path/workspace.ts';
import { assertAllAnswered, liveServices, preparedBatch, sendShards, startStores } from './live/live-stack.ts';

const rounds = 3;
const maxConcurrency = 64;
/** How long the endpoint takes for an answer. */
const delaysMs = [0, 20];

const columns = [
  ['MB/s', 'megabytesPerSecond', 1],
  ['us/request', 'microsecondsPerRequest', 0],
  ['x fetch', 'timesFetch', 2],
] as const;
type LiveRow = RowOf<(typeof columns)[number][1]>;

const endpointSchema = z.object({ baseUrl: z.string() });
const requestSchema = z.object({
  body: z.looseObject({
    model: z.string(),
    messages: z.array(z.object({ role: z.literal(['system', 'user']), content: z.string() })),
  }),
});

/**
 * Requests to a local endpoint by a loop over `fetch`, by a loop over the SDK, and by slices of live shards, which read their
 * lines from S3 and record every answer. All send as many at a time.
 */
export async function run(options: { json: boolean; lines: number; bytesPerLine: number }): Promise<void> {
  using workspace = new Workspace();
  await using _stores = await startStores(workspace.subfolder('stores'));
  const input = join(workspace.folder, 'input.jsonl');
  writeInputFile(input, 'raw', options.lines, options.bytesPerLine);
  const rows: LiveRow[] = [];
  for (const delayMs of delaysMs) {
    const file = new URL('./live/endpoint-process.ts', import.meta.url);
    await using endpoint = await HelperProcess.start(file, [String(delayMs)], endpointSchema);
    const { baseUrl } = endpoint.ready;
    const services = liveServices(workspace.folder, { baseUrl, maxConcurrency });
    rows.push(...(await compareWays(services, { input, baseUrl, delayMs, lines: options.lines })));
  }
  printColumns(columns, rows, options.json);
}

interface Comparison {
  input: string;
  baseUrl: string;
  delayMs: number;
  lines: number;
}

/** The ways take turns, so that whatever else the machine does strikes them alike. */
async function compareWays(services: Services, { input, baseUrl, delayMs, lines }: Comparison): Promise<LiveRow[]> {
  const seconds = { fetch: [] as number[], sdk: [] as number[], live: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    seconds.fetch.push(await secondsOf(() => fetchAll(input, baseUrl)));
    seconds.sdk.push(await secondsOf(() => callAll(input, baseUrl)));
    const batchId = await preparedBatch(services, input);
    seconds.live.push(await secondsOf(() => sendShards(services, batchId)));
    await assertAllAnswered(services, batchId, lines);
  }
  const megabytes = statSync(input).size / 1e6;
  return Object.entries(seconds).map(([way, taken]) => ({
    case: `${way}, ${delayMs} ms`,
    megabytesPerSecond: megabytes / median(taken),
    microsecondsPerRequest: (median(taken) / lines) * 1e6,
    timesFetch: median(taken) / median(seconds.fetch),
  }));
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}

/** What a script would do that keeps nothing: the yardstick. */
async function fetchAll(input: string, baseUrl: string): Promise<void> {
  await inParallel(maxConcurrency, linesOf(input), async (line) => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(requestSchema.parse(JSON.parse(line)).body),
    });
    if (!response.ok) throw new Error(`The endpoint answered with HTTP status ${response.status}.`);
    await response.json();
  });
}

async function callAll(input: string, baseUrl: string): Promise<void> {
  const sdk = new OpenAI({ apiKey: 'none', baseURL: baseUrl, maxRetries: 0 });
  await inParallel(maxConcurrency, linesOf(input), async (line) => {
    await sdk.chat.completions.create(requestSchema.parse(JSON.parse(line)).body);
  });
}

function linesOf(input: string): string[] {
  return readFileSync(input, 'utf8').trimEnd().split('\n');
}
