import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { splitLines } from '../lib/lines/jsonl.ts';
import { resultKey, statusKey } from '../lib/records/object-keys.ts';
import { Objects } from '../lib/store/objects.ts';
import { readChunks } from './data-path/file-objects.ts';
import { HelperProcess, startSimulators } from './data-path/helper-process.ts';
import { writeInputFile } from './data-path/input-files.ts';
import { printReport, type Row } from './data-path/report.ts';
import { Workspace } from './data-path/workspace.ts';

const inboxKey = 'inbox/bench.jsonl';
const lookEveryMs = 1_000;

const stackSchema = z.object({ s3Url: z.string(), bucket: z.string() });
const statusSchema = z.object({
  batch_id: z.string().nullable(),
  status: z.string(),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
});

/** A drop through the whole local stack and back: intake to Finalize, simulated providers, all in order and once. */
export async function run(options: { json: boolean; lines: number; bytesPerLine: number }): Promise<void> {
  using workspace = new Workspace();
  await using simulators = await startSimulators(workspace.subfolder('simulators'));
  const { openai, anthropic } = simulators.ready.urls;
  const stackFile = new URL('./data-path/stack-process.ts', import.meta.url);
  const stackFolder = workspace.subfolder('stack');
  await using stack = await HelperProcess.start(stackFile, [stackFolder, openai, anthropic], stackSchema);
  const objects = objectsAt(stack.ready);
  const input = `${workspace.folder}/input.jsonl`;
  writeInputFile(input, 'raw', options.lines, options.bytesPerLine);
  const bytes = await upload(objects, input);
  const startedAt = performance.now();
  const phases = await follow(objects, startedAt);
  const seconds = (performance.now() - startedAt) / 1_000;
  await assertInOrder(objects, phases.batchId, options.lines);
  const row = (title: string, peakRssMegabytes: number | null): Row => ({
    case: title,
    megabytesPerSecond: bytes / 1e6 / seconds,
    timesParseOnly: null,
    timesParseOnlyCpu: null,
    timesUnordered: null,
    timesCopy: null,
    peakRssMegabytes,
  });
  printReport(
    [row('pipeline-stack', stack.peakRssMegabytes()), row('pipeline-simulators', simulators.peakRssMegabytes())],
    options.json,
  );
  process.stderr.write(`${options.lines} lines, every one answered once and in order, in ${seconds.toFixed(0)} s: `);
  process.stderr.write(`${phases.seen.map(({ status, at }) => `${status} at ${at.toFixed(0)} s`).join(', ')}\n`);
}

function objectsAt({ s3Url, bucket }: z.infer<typeof stackSchema>): Objects {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new Objects(new S3Client({ endpoint: s3Url, region: 'us-east-1', forcePathStyle: true, credentials }), bucket);
}

async function upload(objects: Objects, path: string): Promise<number> {
  const writer = objects.writer(inboxKey);
  for await (const chunk of readChunks(path)) await writer.write(chunk);
  return (await writer.close()).bytes;
}

interface Followed {
  batchId: string;
  /** Each status when it was first seen, in seconds from the end of the upload. */
  seen: { status: string; at: number }[];
}

async function follow(objects: Objects, startedAt: number): Promise<Followed> {
  const seen: Followed['seen'] = [];
  for (;;) {
    await sleep(lookEveryMs);
    const file = await objects.readText(statusKey(inboxKey));
    if (!file) continue;
    const { batch_id, status } = statusSchema.parse(JSON.parse(file.text));
    const at = (performance.now() - startedAt) / 1_000;
    if (seen.at(-1)?.status !== status) seen.push({ status, at });
    if (status === 'completed' && batch_id !== null) return { batchId: batch_id, seen };
    if (['failed', 'expired', 'cancelled', 'refused'].includes(status)) throw new Error(file.text);
  }
}

const answerSchema = z.object({ custom_id: z.string(), response: z.object({ status_code: z.literal(200) }) });

async function assertInOrder(objects: Objects, batchId: string, lines: number): Promise<void> {
  const key = resultKey(batchId, 'output.jsonl');
  let next = 0;
  for await (const some of splitLines(objects.stream({ bucket: objects.bucket, key })))
    for (const { bytes } of some) {
      const { custom_id } = answerSchema.parse(JSON.parse(bytes?.toString() ?? 'null'));
      if (custom_id !== `request-${next}`) throw new Error(`Where request-${next} belongs stands ${custom_id}.`);
      next += 1;
    }
  if (next !== lines) throw new Error(`${next} of ${lines} lines were answered.`);
}
