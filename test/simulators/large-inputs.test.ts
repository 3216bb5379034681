import { createWriteStream, existsSync, openAsBlob, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, it } from 'vitest';
import {
  anthropicClient,
  chat,
  chatBody,
  messageRequest,
  openAIClient,
  requestLine,
  spawnSimulators,
  temporaryFolder,
  untilEnded,
  untilMessagesEnded,
} from './started-simulators.ts';

const requests = 40_000;
const text = 'x'.repeat(4800);
/** An idle process takes 100 MB and garbage some more: measured 290 MB. Holding the input and parsing it takes over 600 MB. */
const maxPeakMb = 400;

function peakMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

function* inputLines() {
  for (let index = 0; index < requests; index++) yield `${requestLine(`r${index}`, chatBody(`${index} ${text}`))}\n`;
}

function* messageBody() {
  yield '{"requests":[';
  for (let index = 0; index < requests; index++) {
    yield `${index === 0 ? '' : ','}${JSON.stringify(messageRequest(`r${index}`, `${index} ${text}`))}`;
  }
  yield ']}';
}

async function countLines(body: ReadableStream<Uint8Array> | null): Promise<number> {
  let lines = 0;
  for await (const chunk of body ?? []) for (const byte of chunk) if (byte === 10) lines += 1;
  return lines;
}

it.runIf(existsSync('/proc/self/status'))('takes and answers 200 MB at OpenAI in flat memory', async () => {
  const dataDir = temporaryFolder();
  const { urls, pid } = (await spawnSimulators(dataDir)).ready;
  const client = openAIClient(urls.openai);
  const path = join(dataDir, 'input.jsonl');
  await pipeline(Readable.from(inputLines()), createWriteStream(path));
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', await openAsBlob(path), 'input.jsonl');
  const uploaded = await fetch(`${urls.openai}/files`, {
    method: 'POST',
    body: form,
    headers: { authorization: 'Bearer sk-test' },
  });
  const file = (await uploaded.json()) as { id: string; bytes: number };
  expect(file.bytes).toBeGreaterThan(190_000_000);
  const { id } = await client.batches.create({ input_file_id: file.id, endpoint: chat, completion_window: '24h' });
  const batch = await untilEnded(client, id);
  expect(batch.request_counts).toEqual({ total: requests, completed: requests, failed: 0 });
  expect(await countLines((await client.files.content(batch.output_file_id ?? '')).body)).toBe(requests);
  expect(peakMb(pid)).toBeLessThan(maxPeakMb);
});

it.runIf(existsSync('/proc/self/status'))('takes and answers 200 MB at Anthropic in flat memory', async () => {
  const dataDir = temporaryFolder();
  const { urls, pid } = (await spawnSimulators(dataDir)).ready;
  const client = anthropicClient(urls.anthropic);
  const body = Readable.toWeb(Readable.from(messageBody(), { objectMode: false, highWaterMark: 1024 * 1024 }));
  const created: { id: string } = await client.post('/v1/messages/batches', { body: body as never, timeout: 120_000 });
  const batch = await untilMessagesEnded(client, created.id);
  expect(batch.request_counts.succeeded).toBe(requests);
  const results = await fetch(batch.results_url ?? '', {
    headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
  });
  expect(await countLines(results.body)).toBe(requests);
  expect(peakMb(pid)).toBeLessThan(maxPeakMb);
});
