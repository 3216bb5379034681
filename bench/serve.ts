import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createBatch } from '../lib/client/batches.ts';
import { runBatch } from '../lib/client/run-batch.ts';
import { batching, closeBatching } from '../lib/live/batching.ts';
import { Upstream } from '../test/live/upstream.ts';
import { HelperProcess } from './data-path/helper-process.ts';
import { printColumns, type RowOf } from './data-path/report.ts';
import { Workspace } from './data-path/workspace.ts';

const waitingCounts = [1, 1_000, 10_000];
const bytesPerRequest = 2_000;
const gatheredCalls = 2_000;

const columns = [
  ['taken/s', 'takenPerSecond', 0],
  ['answered/s', 'answeredPerSecond', 0],
  ['peak RSS MB', 'peakRssMegabytes', 0],
  ['CPU us/request', 'cpuMicroseconds', 0],
] as const;

type ServeRow = RowOf<(typeof columns)[number][1]>;

const readySchema = z.object({ url: z.string(), bareUrl: z.string() });
const stateSchema = z.object({ waiting: z.number() });

/**
 * Callers that wait at `batchdrop serve`: how many requests are taken and answered in a second, beside a bare route of Hono in
 * the same process, and what memory they take; then calls through `batching()` beside a plain batch of the same requests.
 */
export async function run(options: { json: boolean }): Promise<void> {
  using workspace = new Workspace();
  const upstream = new Upstream();
  await upstream.start();
  const rows: ServeRow[] = [];
  for (const count of waitingCounts)
    rows.push(...(await served(workspace.subfolder(`serve-${count}`), upstream, count)));
  upstream.isQuick = true;
  rows.push(...(await inProcess(workspace.folder, upstream)));
  await upstream.close();
  printColumns(columns, rows, options.json);
}

async function served(folder: string, upstream: Upstream, count: number): Promise<ServeRow[]> {
  const file = new URL('./serve/serve-process.ts', import.meta.url);
  await using server = await HelperProcess.start(file, [folder, upstream.url], readySchema);
  const { url, bareUrl } = server.ready;
  await Promise.all(await burst(bareUrl, 50));
  const bareStartMs = performance.now();
  await Promise.all(await burst(bareUrl, count));
  const bareMs = performance.now() - bareStartMs;
  upstream.isQuick = false;
  const startMs = performance.now();
  const answers = await burst(url, count);
  while ((await waitingAt(url)) < count) await sleep(100);
  const takenMs = performance.now() - startMs;
  while (upstream.paid.length < count) await sleep(50);
  upstream.finish();
  const releasedMs = performance.now();
  const statuses = await Promise.all(answers);
  const answeredMs = performance.now() - releasedMs;
  if (statuses.some((status) => status !== 200)) throw new Error('Not every call was answered with 200.');
  upstream.paid.length = 0;
  const rate = (milliseconds: number) => (count / milliseconds) * 1_000;
  return [
    {
      case: `bare route, ${count} at once`,
      takenPerSecond: rate(bareMs),
      answeredPerSecond: rate(bareMs),
      peakRssMegabytes: null,
      cpuMicroseconds: null,
    },
    {
      case: `serve, ${count} waiting`,
      takenPerSecond: rate(takenMs),
      answeredPerSecond: rate(answeredMs),
      peakRssMegabytes: server.peakRssMegabytes(),
      cpuMicroseconds: null,
    },
  ];
}

async function waitingAt(url: string): Promise<number> {
  return stateSchema.parse(await (await fetch(`${url}/status`)).json()).waiting;
}

/** Connections are opened so fast that no system refuses them: its queue of new ones has 511 places or a few thousand. */
const openedAtATime = 100;

/** So many requests at the same time, each at a connection of its own, all of them sent. */
async function burst(url: string, count: number): Promise<Promise<number>[]> {
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  const answers: Promise<number>[] = [];
  for (let index = 0; index < count; index += 1) {
    answers.push(post(url, agent, index));
    if (index % openedAtATime === openedAtATime - 1) await sleep(5);
  }
  return answers;
}

function post(url: string, agent: Agent, index: number): Promise<number> {
  const body = bodyOf(index);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

function bodyOf(index: number): string {
  return JSON.stringify({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: `${index} ${'x'.repeat(bytesPerRequest - 100)}` }],
  });
}

/** The time of this process's processor for one request, by a batch of its own and by calls that are gathered into one. */
async function inProcess(folder: string, upstream: Upstream): Promise<ServeRow[]> {
  const at = { provider: 'openai', apiKey: 'sk-bench', apiBase: upstream.url };
  const requests = Array.from({ length: gatheredCalls }, (_, index) => ({
    messages: [{ role: 'user' as const, content: `${index} ${'x'.repeat(bytesPerRequest - 100)}` }],
  }));
  await createBatch({ ...at, input: [{ custom_id: 'warm-up', body: { model: 'gpt-4o-mini', messages: [] } }] });
  const plain = await cpuOf(
    async () => void (await runBatch('gpt-4o-mini', requests, { ...at, pollIntervalSeconds: 0.1 })),
  );
  const { fetch: gathered } = batching({
    ...at,
    run: 'bench',
    journal: join(folder, 'in-process'),
    gatherSeconds: 0.5,
    pollIntervalSeconds: 0.1,
  });
  const live = await cpuOf(async () => {
    const calls = requests.map((_, index) =>
      gathered('https://api.openai.com/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: bodyOf(index),
      }).then((response) => response.json()),
    );
    await Promise.all(calls);
  });
  await closeBatching();
  const row = (name: string, cpuMicroseconds: number): ServeRow => ({
    case: name,
    takenPerSecond: null,
    answeredPerSecond: null,
    peakRssMegabytes: null,
    cpuMicroseconds,
  });
  return [row(`runBatch, ${gatheredCalls}`, plain), row(`batching(), ${gatheredCalls}`, live)];
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / gatheredCalls;
}
