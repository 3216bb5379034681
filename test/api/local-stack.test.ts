import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chatLine, numbered } from '../pipeline/requests.ts';
import { jsonlFile } from './api-harness.ts';

const root = new URL('../../', import.meta.url).pathname;
let folder: string;
let child: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-api-'));
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ready {
  apiUrl: string;
  apiKey: string;
  pid: number;
}

async function start(): Promise<Ready> {
  const { OPENAI_API_KEY: _openai, ANTHROPIC_API_KEY: _anthropic, ...env } = process.env;
  const options = ['--port', '0', '--s3-port', '0', '--ready-file', 'ready.json'];
  child = spawn(process.execPath, [`${root}cli/main.ts`, 'start', ...options], { cwd: folder, env, stdio: 'ignore' });
  const path = join(folder, 'ready.json');
  while (!existsSync(path)) await sleep(20);
  return JSON.parse(readFileSync(path, 'utf8'));
}

async function stop(): Promise<void> {
  const ended = child && new Promise((resolve) => child?.once('close', resolve));
  child?.kill('SIGTERM');
  await ended;
  child = undefined;
}

function clientOf({ apiUrl, apiKey }: Ready): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${apiUrl}/v1`, maxRetries: 0 });
}

it('an unmodified client runs a batch on the local stack, whose key outlives a restart', async () => {
  const ready = await start();
  const client = clientOf(ready);
  const lines = numbered(5, chatLine);
  const { id: input_file_id } = await client.files.create({ file: jsonlFile(lines), purpose: 'batch' });
  const created = await client.batches.create({
    input_file_id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  await expect
    .poll(async () => (await client.batches.retrieve(created.id)).status, { timeout: 40_000 })
    .toBe('completed');
  const { output_file_id } = await client.batches.retrieve(created.id);
  const output = await (await client.files.content(output_file_id ?? '')).text();
  expect(output.trim().split('\n')).toHaveLength(5);
  expect(statSync(join(folder, '.batchdrop/api-key')).mode & 0o777).toBe(0o600);
  await stop();
  rmSync(join(folder, 'ready.json'), { force: true });
  const again = await start();
  expect(again.apiKey).toBe(ready.apiKey);
  expect((await clientOf(again).batches.retrieve(created.id)).status).toBe('completed');
});

it('the examples run on the local stack', async () => {
  const { apiUrl, apiKey } = await start();
  const env = { ...process.env, BATCHDROP_URL: apiUrl, BATCHDROP_API_KEY: apiKey };
  const example = promisify(execFile)(process.execPath, [`${root}examples/openai-client.ts`], { env });
  const answers = (await example).stdout.trim().split('\n');
  const lines = readFileSync(`${root}examples/openai-chat.jsonl`, 'utf8').trim().split('\n');
  const asked = lines.map((line) => JSON.parse(line).custom_id).filter((id) => id !== 'refused'); // that one is an error
  expect(answers.map((line) => JSON.parse(line).custom_id)).toEqual(asked);
  const messages = promisify(execFile)(process.execPath, [`${root}examples/anthropic-client.ts`], { env });
  const results = (await messages).stdout.trim().split('\n');
  expect(results.map((line) => JSON.parse(line))).toMatchObject([
    { custom_id: 'question-0', result: { type: 'succeeded' } },
    { custom_id: 'question-1', result: { type: 'succeeded' } },
  ]);
});

it('a large upload streams through the local stack in flat memory', async () => {
  const ready = await start();
  await clientOf(ready).files.create({ file: jsonlFile([chatLine('a')]), purpose: 'batch' });
  const before = peakMegabytes(ready.pid);
  const line = Buffer.from(`${chatLine('a', 'x'.repeat(1024 * 1024))}\n`);
  const answer = await fetch(`${ready.apiUrl}/v1/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ready.apiKey}`, 'content-type': 'multipart/form-data; boundary=b' },
    body: ReadableStream.from(form(line, 300)),
    duplex: 'half',
  } as RequestInit);
  expect(await answer.json()).toMatchObject({ bytes: 300 * line.length });
  expect(peakMegabytes(ready.pid) - before).toBeLessThan(200);
});

function* form(line: Buffer, lines: number): Generator<Buffer> {
  yield Buffer.from('--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n');
  yield Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="large.jsonl"\r\n\r\n');
  for (let count = 0; count < lines; count += 1) yield line;
  yield Buffer.from('\r\n--b--\r\n');
}

function peakMegabytes(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
