import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { inParallel } from '../lib/pipeline/parallel.ts';
import { statusKey } from '../lib/records/object-keys.ts';
import { Objects } from '../lib/store/objects.ts';
import { HelperProcess, startSimulators } from './data-path/helper-process.ts';
import { Workspace } from './data-path/workspace.ts';

const files = 200;
const linesPerFile = 20;
const singles = 7;
/** Looking takes from the stack what it is to be measured with: of many files it is done less often. */
const lookEveryMs = { one: 20, many: 200 };

const stackSchema = z.object({ s3Url: z.string(), bucket: z.string() });

/** How long files that are dropped at once wait for their status file, beside one that is dropped alone. */
export async function run({ json }: { json: boolean }): Promise<void> {
  using workspace = new Workspace();
  await using simulators = await startSimulators(workspace.subfolder('simulators'));
  const { openai, anthropic } = simulators.ready.urls;
  const stackFile = new URL('./data-path/stack-process.ts', import.meta.url);
  await using stack = await HelperProcess.start(
    stackFile,
    [workspace.subfolder('stack'), openai, anthropic],
    stackSchema,
  );
  const objects = objectsAt(stack.ready);
  const alone: number[] = [];
  for (let number = 0; number < singles; number += 1) {
    alone.push(await secondsTo(objects, [`inbox/alone-${number}.jsonl`]));
    // Its batch has ended when the next file comes.
    await sleep(5_000);
  }
  const one = alone.toSorted((a, b) => a - b)[Math.floor(singles / 2)] ?? Number.NaN;
  const keys = Array.from({ length: files }, (_, number) => `inbox/many-${number}.jsonl`);
  const many = await secondsTo(objects, keys);
  const measured = { files, firstSeconds: alone[0], oneSeconds: one, lastOfManySeconds: many, timesOne: many / one };
  if (json) return console.log(JSON.stringify(measured));
  console.log(
    `One file has its status file after ${one.toFixed(2)} s (the stack's first one after ${alone[0]?.toFixed(2)} s).`,
  );
  console.log(
    `Of ${files} dropped at once the last one has it after ${many.toFixed(1)} s: ${(many / one).toFixed(0)} times.`,
  );
}

function objectsAt({ s3Url, bucket }: z.infer<typeof stackSchema>): Objects {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new Objects(new S3Client({ endpoint: s3Url, region: 'us-east-1', forcePathStyle: true, credentials }), bucket);
}

/** From the first drop until the last file has its status file. */
async function secondsTo(objects: Objects, keys: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  await inParallel(50, keys, (key) => objects.putText(key, input));
  for (const key of keys)
    while (!(await objects.head(statusKey(key)))) await sleep(keys.length === 1 ? lookEveryMs.one : lookEveryMs.many);
  return (performance.now() - startedAt) / 1_000;
}

const input = Array.from({ length: linesPerFile }, (_, line) => {
  const messages = [{ role: 'user', content: `Question ${line}` }];
  const body = { model: 'gpt-4o-mini', messages };
  return `${JSON.stringify({ custom_id: `request-${line}`, method: 'POST', url: '/v1/chat/completions', body })}\n`;
}).join('');
