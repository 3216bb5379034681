import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { ApiTransport } from '../../cli/transport/api/api-transport.ts';
import { createBatch } from '../../lib/client/index.ts';
import { emptyBatch } from '../../lib/records/openai-batch.ts';

const partBytes = 4 * 1024 * 1024;
const partCount = 7;

/** The uploads of a deployment; it refuses the part with this number, from 0. */
async function startUploads(refusedPart?: number) {
  const seen = { calls: [] as string[], underWay: 0, mostUnderWay: 0, begun: 0, completion: {} as object };
  const file = { id: 'file-1', filename: 'a.jsonl', bytes: 1, purpose: 'batch', created_at: 1 };
  const answers: Record<string, (request: IncomingMessage) => Promise<[number, object]>> = {
    '/v1/uploads': async () => [200, { id: 'upload_1', file: null }],
    '/v1/uploads/upload_1/parts': async (request) => {
      const part = seen.begun++;
      seen.underWay += 1;
      seen.mostUnderWay = Math.max(seen.mostUnderWay, seen.underWay);
      await textOf(request);
      const giveUpAtMs = Date.now() + 10_000; // a client that sends them one after the other gets its answers, too
      while (seen.mostUnderWay < 4 && Date.now() < giveUpAtMs) await sleep(10);
      await sleep(200 - 20 * part);
      seen.underWay -= 1;
      if (part === refusedPart) return [400, { error: { message: 'This part is wrong.', code: 'bad', param: null } }];
      return [200, { id: `part_${part}` }];
    },
    '/v1/uploads/upload_1/complete': async (request) => {
      seen.completion = JSON.parse(await textOf(request));
      return [200, { id: 'upload_1', file }];
    },
    '/v1/uploads/upload_1/cancel': async () => [200, { id: 'upload_1', file: null }],
    '/v1/batches': async () => [200, { ...emptyBatch('batch_1'), created_at: 1, input_file_id: 'file-1' }],
    '/v1/batches/batch_1': async () => [200, { ...emptyBatch('batch_1'), created_at: 1, input_file_id: 'file-1' }],
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    seen.calls.push(path);
    const [status, body] = (await answers[path]?.(request).catch(() => null)) ?? [404, {}]; // null: broken off
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks = await Array.fromAsync(request);
  return Buffer.concat(chunks).toString('latin1');
}

async function largeFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'upload-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a.jsonl');
  const request = { custom_id: 'a', method: 'POST', url: '/v1/chat/completions', body: { model: 'm', messages: [] } };
  const padding = ' '.repeat(partBytes * (partCount - 1));
  await writeFile(path, `${JSON.stringify(request)}\n${padding}\n`);
  return path;
}

const clients: Record<string, (url: string, path: string) => Promise<unknown>> = {
  'the library': (url, path) => createBatch({ deployment: url, apiKey: 'bd-1', input: path }),
  'the command line': async (url, path) => {
    const file = { path, name: 'a.jsonl', bytes: (await stat(path)).size };
    return await new ApiTransport(url, 'bd-1').submit(file, {}, () => undefined);
  },
};

it.each(Object.entries(clients))('%s sends parts four at a time, and names them in order', async (_name, submit) => {
  const { seen, url } = await startUploads();

  await submit(url, await largeFile());

  expect(seen.mostUnderWay).toBe(4);
  expect(seen.completion).toMatchObject({ md5: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(seen.completion).toHaveProperty('part_ids.length', partCount);
});

it.each(Object.entries(clients))('%s cancels an upload that fails, and begins no other part', async (_name, submit) => {
  const { seen, url } = await startUploads(1);

  await expect(submit(url, await largeFile())).rejects.toThrow('This part is wrong.');

  expect(seen.calls.at(-1)).toBe('/v1/uploads/upload_1/cancel');
  expect(seen.begun).toBeLessThan(partCount);
});
