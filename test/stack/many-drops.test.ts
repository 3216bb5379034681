import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inParallel } from '../../lib/pipeline/parallel.ts';
import type { CreationRecord } from '../../simulators/simulators.ts';
import { chatLine, claudeLine, fileOf } from '../pipeline/requests.ts';

/** BATCHDROP_MANY_DROPS=5000 runs what the documentation speaks of; it takes minutes. */
const files = Number(process.env.BATCHDROP_MANY_DROPS ?? 50);
const linesPerFile = 20;
const allowedMs = 60_000 + files * 1_000;

let folder: string;
let stack: ChildProcess;
let simulators: ChildProcess;
let urls: { openai: string; anthropic: string };
let s3: S3Client;

async function run(
  script: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ child: ChildProcess; ready: { s3Url?: string; urls?: typeof urls } }> {
  const readyFile = join(folder, `${script.replaceAll('/', '-')}.ready`);
  const child = spawn(process.execPath, [script, ...args, '--ready-file', readyFile], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}`);
    await sleep(20);
  }
  return { child, ready: JSON.parse(await readFile(readyFile, 'utf8')) };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batchdrop-many-'));
  // OpenAI takes 2,000 batches an hour: real drops would wait for the next hour.
  const providers = {
    openai: { kind: 'openai', secret: 'a', createsPerHour: 1_000_000 },
    anthropic: { kind: 'anthropic', secret: 'b' },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ providers }));
  const started = await run('simulators/main.ts', ['--data-dir', join(folder, 'simulators')]);
  simulators = started.child;
  if (!started.ready.urls) throw new Error('The simulators say no addresses.');
  urls = started.ready.urls;
  const args = [
    'start',
    '--port',
    '0',
    '--s3-port',
    '0',
    '--data-dir',
    join(folder, 'data'),
    '--config',
    join(folder, 'config.json'),
  ];
  const { child, ready } = await run('cli/main.ts', args, {
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: urls.openai,
    ANTHROPIC_API_KEY: 'key',
    ANTHROPIC_BASE_URL: urls.anthropic,
  });
  stack = child;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  s3 = new S3Client({ endpoint: ready.s3Url ?? '', region: 'us-east-1', credentials, forcePathStyle: true });
});

afterAll(async () => {
  for (const child of [stack, simulators]) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
  await rm(folder, { recursive: true, force: true });
});

async function textOf(key: string): Promise<string> {
  const found = await s3.send(new GetObjectCommand({ Bucket: 'batchdrop', Key: key }));
  return (await found.Body?.transformToString()) ?? '';
}

/** Ids of the events that were sent: `<batch id>:<status>`. */
function events(): string[] {
  const file = join(folder, 'data', 'events.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line).detail.id);
}

async function creations(): Promise<CreationRecord[]> {
  const hosts = [urls.openai, urls.anthropic].map((url) => new URL(url).origin);
  const answers = await Promise.all(hosts.map(async (host) => (await fetch(`${host}/__simulator/creations`)).json()));
  return answers.flat() as CreationRecord[];
}

function megabytesOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}

function report(what: string, sinceMs: number): void {
  if (process.env.BATCHDROP_MANY_DROPS === undefined) return;
  const seconds = ((Date.now() - sinceMs) / 1_000).toFixed(0);
  console.log(`${what} after ${seconds} s; stack ${megabytesOf(stack)} MB, simulators ${megabytesOf(simulators)} MB`);
}

describe('many small drops at once', () => {
  it(
    'all finish, each request exactly once and in order, and nothing is created twice',
    async () => {
      const names = Array.from({ length: files }, (_, number) => `many-${number}.jsonl`);
      const lineOf = (name: string, place: number) =>
        (name.length % 2 === 0 ? chatLine : claudeLine)(`${name}-${place}`);
      const inputs = new Map(
        names.map((name) => [name, Array.from({ length: linesPerFile }, (_, place) => lineOf(name, place))]),
      );
      const startedMs = Date.now();
      await inParallel(50, [...inputs], ([name, lines]) =>
        s3.send(new PutObjectCommand({ Bucket: 'batchdrop', Key: `inbox/${name}`, Body: fileOf(lines) })),
      );
      report(`${files} files dropped`, startedMs);
      let ended = 0;
      while (ended < files) {
        expect(Date.now(), `${ended} of ${files} ended`).toBeLessThan(startedMs + allowedMs);
        await sleep(Math.min(10_000, 200 + files));
        ended = new Set(events()).size;
        report(`${ended} ended`, startedMs);
      }
      await inParallel(20, [...inputs], async ([name, lines]) => {
        const status = JSON.parse(await textOf(`status/${name}.json`));
        expect(status).toMatchObject({
          status: 'completed',
          request_counts: { total: linesPerFile, completed: linesPerFile },
        });
        const output = (await textOf(`results/${status.batch_id}/output.jsonl`)).trim().split('\n');
        expect(output.map((line) => JSON.parse(line).custom_id)).toEqual(
          lines.map((line) => JSON.parse(line).custom_id),
        );
      });
      const shards = (await creations()).map(({ requestIds }) => requestIds[0]?.slice(0, 39));
      expect(shards).toHaveLength(files);
      expect(new Set(shards).size).toBe(files);
      expect(new Set(events()).size).toBe(files);
    },
    allowedMs + 60_000,
  );
});
