import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { Deployment } from '../lib/client/deployment/deployment.ts';
import { inParallel } from '../lib/pipeline/parallel.ts';
import { createServices, type Log } from '../lib/pipeline/services.ts';
import { sha256 } from '../lib/records/digest.ts';
import { batchIdFrom } from '../lib/records/ids.ts';
import { findBrowser, startBrowser, type Visit, visit } from '../test/console/browser.ts';
import { type ConsoleStack, line, startConsoleStack } from '../test/console/console-stack.ts';
import { printColumns, type RowOf } from './data-path/report.ts';

const batchCount = 1_000;
const visits = 5;
const watchedMs = 60_000;
/** Five a second at a batch that is to run or to end. */
const mostLooks = 600;

const columns = [
  ['ms', 'milliseconds', 0],
  ['x bare request', 'timesBare', 2],
  ['KB', 'kilobytes', 1],
  ['requests', 'requests', 0],
] as const;

type ConsoleRow = RowOf<(typeof columns)[number][1]>;

/**
 * The console over a stack of a thousand batches, in a real browser: how long it takes from an empty cache to the list, beside the
 * bare request for its first page by `fetch`, and what watching the list and a batch that runs for a minute takes over the wire.
 */
export async function run(options: { json: boolean }): Promise<void> {
  const found = await findBrowser();
  if (found.path === null) throw new Error(found.reason);
  const own = await startConsoleStack();
  const browser = await startBrowser(found.path);
  const wire = await startWire(own.stack.apiUrl);
  try {
    const running = await fillStack(own);
    const bareMs = median(await repeated(() => timeOf(() => listOnce(own))));
    const { traffic } = wire;
    const newAddress = () => own.stack.newConsoleUrl().replace(own.stack.apiUrl, wire.url);
    const rows: ConsoleRow[] = [rowOf('bare request for the list', { milliseconds: bareMs, timesBare: 1 })];
    const first: Traffic[] = [];
    const times = await repeated(async () => {
      const someone = await visit(browser);
      const before = { ...traffic };
      countRequests(someone, traffic);
      const ms = await timeOf(() => openList(someone.page, newAddress()));
      first.push(since(before, traffic));
      await someone.context.close();
      return ms;
    });
    const listMs = median(times);
    const loaded = first[0] ?? nothing;
    rows.push(
      rowOf('the list, nothing cached', { ...taken(loaded), milliseconds: listMs, timesBare: listMs / bareMs }),
    );
    const me = await visit(browser);
    countRequests(me, traffic);
    await openList(me.page, newAddress());
    rows.push(rowOf('a minute of the list', taken(await watched(traffic))));
    await me.page.goto(`${wire.url}/#/batches/${running}`);
    await me.page.locator('h1 .status', { hasText: /in.progress/i }).waitFor();
    rows.push(rowOf('a minute of a running batch', taken(await watched(traffic))));
    printColumns(columns, rows, options.json);
  } finally {
    own.release();
    await browser.close();
    wire.close();
    await own.close();
  }
}

/**
 * A batch that has ended, and records of it under other ids; then one that runs for as long as its provider is not released.
 *
 * @returns the id of the one that runs.
 */
async function fillStack(own: ConsoleStack): Promise<string> {
  const deployment = new Deployment({ url: own.stack.apiUrl, apiKey: own.stack.apiKey });
  const { records } = createServices(process.env, { log: silent });
  const ended = await records.getBatch(await newBatch(deployment, 'own-echo', 'completed'));
  const places = Array.from({ length: batchCount - 2 }, (_, place) => place);
  await inParallel(16, places, async (place) => {
    const id = batchIdFrom(sha256(`${ended.id} ${place}`));
    const older = (place + 1) * 60;
    const createdAt = ended.createdAt - older;
    await records.createBatch({ ...ended, id, createdAt, createdAtMs: createdAt * 1_000 });
  });
  return newBatch(deployment, 'own-slow', 'in_progress');
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function newBatch(deployment: Deployment, model: string, status: string): Promise<string> {
  const lines = Array.from({ length: 20 }, (_, place) => line(`request-${place}`, model, 'Why is the sky blue?'));
  const file = await deployment.uploadFile(new Blob(lines), { name: `${model}.jsonl` });
  const body = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  const { id } = await deployment.createBatch(body);
  for (let looks = 0; looks < mostLooks; looks += 1) {
    if ((await deployment.retrieveBatch(id)).status === status) return id;
    await sleep(200);
  }
  throw new Error(`The batch of ${model} did not become ${status}.`);
}

async function listOnce({ stack }: ConsoleStack): Promise<void> {
  const headers = { authorization: `Bearer ${stack.apiKey}` };
  const answer = await fetch(`${stack.apiUrl}/v1/batches?limit=100`, { headers });
  await answer.arrayBuffer();
}

async function openList(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByText('own-slow.jsonl').waitFor();
}

/** What a page has sent and taken over the wire so far, as it passes there. */
interface Traffic {
  bytes: number;
  requests: number;
}

/** A way to the stack's API that counts what passes, in both directions. */
async function startWire(target: string): Promise<{ url: string; traffic: Traffic; close: () => void }> {
  const traffic: Traffic = { bytes: 0, requests: 0 };
  const { hostname, port } = new URL(target);
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk: Buffer) => {
        traffic.bytes += chunk.length;
      });
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: ownPort } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${ownPort}`, traffic, close: () => server.close() };
}

/** @returns what was taken while it was watched for a minute. */
async function watched(traffic: Traffic): Promise<Traffic> {
  const before = { ...traffic };
  await sleep(watchedMs);
  return since(before, traffic);
}

const nothing: Traffic = { bytes: 0, requests: 0 };

function since(before: Traffic, traffic: Traffic): Traffic {
  return { bytes: traffic.bytes - before.bytes, requests: traffic.requests - before.requests };
}

function countRequests({ page }: Visit, traffic: Traffic): void {
  page.on('request', () => {
    traffic.requests += 1;
  });
}

function taken({ bytes, requests }: Traffic) {
  return { kilobytes: bytes / 1_000, requests };
}

function rowOf(name: string, values: Partial<ConsoleRow>): ConsoleRow {
  return { case: name, milliseconds: null, timesBare: null, kilobytes: null, requests: null, ...values };
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

async function repeated(work: () => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  for (let count = 0; count < visits; count += 1) results.push(await work());
  return results;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
