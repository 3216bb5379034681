import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Hono } from 'hono';
import { createApi } from '../lib/api/app.ts';
import { createServices, type Services } from '../lib/pipeline/services.ts';
import { createApiKey } from '../lib/service/api-keys.ts';
import { startLocalDynamoDB } from '../local/dynamodb.ts';
import { setEnvironment } from '../local/environment.ts';
import { localCredentials, localRegion } from '../local/local-account.ts';
import { type LoopbackServer, serveOnLoopback } from '../local/loopback-server.ts';
import type { Load, LoadResult } from './api/connection-load.ts';
import { MemoryApiKeys, MemoryRecords } from './api/memory-records.ts';

const connectionCounts = [1, 16, 64];
const warmUpSeconds = 0.5;
const seconds = 2;

interface Row extends LoadResult {
  what: string;
  connections: number;
  /** CPU time of the server's thread for a request. Other work on the machine hardly changes it. */
  cpuMicroseconds: number;
}

/** Requests per second and p99 of the HTTP API beside a bare Hono route, on a store in memory and on dynalite. */
export async function run(options: { json: boolean }): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const { services, count } = await localServices(resources);
  const memory = { ...services, records: new MemoryRecords(), apiKeys: new MemoryApiKeys() };
  const targets = [
    ...(await bareTargets(resources)),
    ...(await apiTargets(resources, 'memory', memory)),
    ...(await apiTargets(resources, 'dynalite', services)),
  ];
  const rows: Row[] = [];
  const answered: Record<string, number> = {};
  for (const { what, port, request } of targets)
    for (const connections of connectionCounts) {
      const warmUp = await load({ port, request, connections, seconds: warmUpSeconds });
      const cpuBefore = process.threadCpuUsage();
      const measured = await load({ port, request, connections, seconds });
      const { user, system } = process.threadCpuUsage(cpuBefore);
      answered[what] = (answered[what] ?? 1) + warmUp.requests + measured.requests; // one was created to be retrieved
      rows.push({ what, connections, ...measured, cpuMicroseconds: (user + system) / measured.requests });
    }
  const counted = { memory: memory.records.batches.size, dynalite: await count() };
  assertAllStand('memory', answered['create, memory'], counted.memory);
  assertAllStand('dynalite', answered['create, dynalite'], counted.dynalite);
  if (options.json) console.log(JSON.stringify({ rows, counted }));
  else report(rows, counted);
}

interface Target {
  what: string;
  port: number;
  request: string;
}

/** What no API on Hono can be cheaper than: one route that answers, and one that reads JSON and answers it. */
async function bareTargets(resources: AsyncDisposableStack): Promise<Target[]> {
  const app = new Hono()
    .get('/v1/batches/:batchId', (context) => context.json({ id: context.req.param('batchId') }))
    .post('/v1/batches', async (context) => context.json(await context.req.json()));
  const { url } = await served(resources, app);
  const port = portOf(url);
  return [
    { what: 'bare Hono route, GET', port, request: 'GET /v1/batches/one HTTP/1.1\r\nhost: bench\r\n\r\n' },
    { what: 'bare Hono route, POST', port, request: postOf(createBody(standingFileId), 'host: bench\r\n') },
  ];
}

const standingFileId = `file-${'0'.repeat(32)}`;

function createBody(inputFileId: string): string {
  return JSON.stringify({
    input_file_id: inputFileId,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { team: 'bench' },
  });
}

function postOf(body: string, head: string): string {
  return `POST /v1/batches HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function apiTargets(resources: AsyncDisposableStack, store: string, services: Services): Promise<Target[]> {
  const settings = { version: 'bench', maxFileBytes: 1024, maxContentBytes: 0, maxIdleMs: 10_000, mergeBudgetMs: 0 };
  const { url } = await served(
    resources,
    createApi(() => services, settings),
  );
  const { key } = await createApiKey(services, 'bench', 'bench');
  await createStandingFile(services);
  const body = createBody(standingFileId);
  const head = `host: bench\r\nauthorization: Bearer ${key}\r\n`;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const created: unknown = await (await fetch(`${url}/v1/batches`, { method: 'POST', headers, body })).json();
  const id = typeof created === 'object' && created && 'id' in created ? String(created.id) : '';
  const port = portOf(url);
  return [
    { what: `retrieve, ${store}`, port, request: `GET /v1/batches/${id} HTTP/1.1\r\n${head}\r\n` },
    { what: `create, ${store}`, port, request: postOf(body, head) },
  ];
}

/** The creates' file: one that is not there would cost each of them an error. */
async function createStandingFile(services: Services): Promise<void> {
  const id = standingFileId;
  const place = { bucket: 'bench', key: `files/${id}/whole`, etag: '"one"', bytes: 100 };
  const file = { id, tenant: 'bench', version: 0, filename: 'bench.jsonl', bytes: place.bytes, objects: [place] };
  await services.records.createFile({ ...file, purpose: 'batch', createdAt: 0, expiresAt: null });
}

async function served(
  resources: AsyncDisposableStack,
  app: Parameters<typeof serveOnLoopback>[0],
): Promise<LoopbackServer> {
  const server = await serveOnLoopback(app, 0);
  resources.defer(server.close);
  return server;
}

/** The API's services on a DynamoDB of their own; nothing starts executions, which are measured elsewhere. */
async function localServices(
  resources: AsyncDisposableStack,
): Promise<{ services: Services; count: () => Promise<number> }> {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-bench-'));
  resources.defer(() => rmSync(folder, { recursive: true, force: true }));
  const dynamodb = await startLocalDynamoDB(join(folder, 'dynamodb'), 'batchdrop');
  resources.defer(dynamodb.close);
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ providers: { openai: { kind: 'openai', secret: 'bench' } } }));
  const environment = {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    BATCHDROP_BUCKET: 'bench',
    BATCHDROP_TABLE: 'batchdrop',
    BATCHDROP_STATE_MACHINE_ARN: `arn:aws:states:${localRegion}:000000000000:stateMachine:bench`,
    BATCHDROP_CONFIG_FILE: config,
    BATCHDROP_SECRETS: 'environment',
  };
  resources.defer(setEnvironment(environment));
  const quiet = () => undefined;
  const wired = createServices(process.env, { log: { info: quiet, warn: quiet, error: quiet } });
  const services = { ...wired, executions: { start: async () => undefined, isRunning: async () => true } };
  return { services, count: () => countBatches(services) };
}

async function countBatches(services: Services): Promise<number> {
  const request = { order: 'desc', after: null, pageItems: 1_000 } as const;
  let batches = 0;
  for await (const _batch of services.records.listBatches('bench', request)) batches += 1;
  return batches;
}

function assertAllStand(store: string, answered: number | undefined, standing: number): void {
  if (answered !== standing)
    throw new Error(`${answered} creates were answered, but ${store} holds ${standing} batches.`);
}

/** Loads the server from another thread, so that client and server do not share one. */
function load(data: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./api/load-worker.ts', import.meta.url), { workerData: data });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function report(rows: readonly Row[], counted: Record<string, number>): void {
  console.table(
    rows.map(({ what, connections, requestsPerSecond, p50Ms, p99Ms, cpuMicroseconds, refused }) => ({
      what,
      connections,
      'requests/s': Math.round(requestsPerSecond),
      'p50 ms': p50Ms.toFixed(2),
      'p99 ms': p99Ms.toFixed(2),
      'CPU µs': cpuMicroseconds.toFixed(1),
      refused,
    })),
  );
  console.log('Batches that stand afterwards:', counted);
}
