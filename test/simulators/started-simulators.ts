import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { onTestFinished } from 'vitest';
import {
  type Simulator,
  type SimulatorOptions,
  startAnthropicSimulator,
  startOpenAISimulator,
} from '../../simulators/simulators.ts';

/** Phases short enough that a test need not wait, and long enough that each one is seen. */
export const visibleTiming = { validatingMs: 150, inProgressMs: 300, finalizingMs: 150 };
/** Every batch is done as soon as its input has been read. */
export const instantTiming = { validatingMs: 0, inProgressMs: 0, finalizingMs: 0 };

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function startOpenAI(options: Partial<SimulatorOptions> = {}) {
  const simulator = await startOpenAISimulator({
    timing: instantTiming,
    ...options,
    dataDir: options.dataDir ?? temporaryFolder(),
  });
  onTestFinished(() => simulator.close());
  return { simulator, client: openAIClient(simulator.url) };
}

export async function startAnthropic(options: Partial<SimulatorOptions> = {}) {
  const simulator = await startAnthropicSimulator({
    timing: instantTiming,
    ...options,
    dataDir: options.dataDir ?? temporaryFolder(),
  });
  onTestFinished(() => simulator.close());
  return { simulator, client: anthropicClient(simulator.url) };
}

export interface Ready {
  urls: { openai: string; anthropic: string };
  pid: number;
}

/** Starts simulators of OpenAI and Anthropic as a process of their own, and waits until they are ready. */
export async function spawnSimulators(dataDir: string): Promise<{ child: ChildProcess; ready: Ready }> {
  const readyFile = join(dataDir, 'ready.json');
  rmSync(readyFile, { force: true });
  const main = join(import.meta.dirname, '../../simulators/main.ts');
  const child = spawn(process.execPath, [main, '--data-dir', dataDir, '--ready-file', readyFile], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(
    async () => existsSync(readyFile),
    (isThere) => isThere,
  );
  return { child, ready: JSON.parse(readFileSync(readyFile, 'utf8')) };
}

export function openAIClient(baseURL: string, apiKey = 'sk-test'): OpenAI {
  return new OpenAI({ apiKey, baseURL, maxRetries: 0, timeout: 20_000 });
}

export function anthropicClient(baseURL: string, version?: string): Anthropic {
  const defaultHeaders = version === undefined ? {} : { 'anthropic-version': version };
  return new Anthropic({ apiKey: 'sk-test', baseURL, maxRetries: 0, timeout: 20_000, defaultHeaders });
}

export const chat = '/v1/chat/completions';

export function chatBody(text: string, more: object = {}): object {
  return { model: 'gpt-4o-mini', messages: [{ role: 'user', content: text }], ...more };
}

export function requestLine(customId: string, body: object, url: string = chat): string {
  return JSON.stringify({ custom_id: customId, method: 'POST', url, body });
}

/** Lines `line-0`, `line-1`, ... each with a question of its own. */
export function chatLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) => requestLine(`line-${index}`, chatBody(`Question ${index}?`)));
}

export function messageRequests(count: number): Anthropic.Messages.BatchCreateParams.Request[] {
  return Array.from({ length: count }, (_, index) => messageRequest(`line-${index}`, `Question ${index}?`));
}

export function messageRequest(
  customId: string,
  text: string,
  more: object = {},
): Anthropic.Messages.BatchCreateParams.Request {
  const params = {
    model: 'claude-sonnet-4-5',
    max_tokens: 256,
    messages: [{ role: 'user' as const, content: text }],
    ...more,
  };
  return { custom_id: customId, params };
}

export async function upload(client: OpenAI, lines: string[]) {
  return client.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'input.jsonl'), purpose: 'batch' });
}

export async function createBatch(
  client: OpenAI,
  lines: string[],
  endpoint: OpenAI.BatchCreateParams['endpoint'] = chat,
) {
  const file = await upload(client, lines);
  return client.batches.create({ input_file_id: file.id, endpoint, completion_window: '24h' });
}

const terminal = ['completed', 'failed', 'expired', 'cancelled'];

export async function untilEnded(client: OpenAI, batchId: string): Promise<OpenAI.Batch> {
  return until(
    () => client.batches.retrieve(batchId),
    (batch) => terminal.includes(batch.status),
  );
}

export async function untilMessagesEnded(client: Anthropic, batchId: string) {
  return until(
    () => client.messages.batches.retrieve(batchId),
    (batch) => batch.processing_status === 'ended',
  );
}

/** Asks again every 10 ms until the answer is as wished. */
export async function until<Answer>(
  ask: () => Promise<Answer>,
  isAsWished: (answer: Answer) => boolean,
): Promise<Answer> {
  for (let attempt = 0; attempt < 4000; attempt++) {
    const answer = await ask();
    if (isAsWished(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('not as wished in time');
}

export interface ResultLine {
  id: string;
  custom_id: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes of bodies
  response: { status_code: number; request_id: string; body: any } | null;
  error: { code: string; message: string } | null;
}

export async function download(client: OpenAI, fileId: string | undefined | null): Promise<ResultLine[]> {
  if (fileId == null) return [];
  const text = await (await client.files.content(fileId)).text();
  return parseLines(text);
}

export function parseLines<Line = ResultLine>(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Runs a batch to its end. */
export async function run(client: OpenAI, lines: string[], endpoint?: OpenAI.BatchCreateParams['endpoint']) {
  const created = await createBatch(client, lines, endpoint);
  const batch = await untilEnded(client, created.id);
  const output = await download(client, batch.output_file_id);
  const errors = await download(client, batch.error_file_id);
  return { batch, output, errors };
}

/** Runs a batch of one request; the answer's body, whether it succeeded or not. */
export async function runOne(client: OpenAI, body: object, endpoint: OpenAI.BatchCreateParams['endpoint'] = chat) {
  const { output, errors, batch } = await run(client, [requestLine('only', body, endpoint)], endpoint);
  const line = output[0] ?? errors[0];
  if (line === undefined || line.response === null) throw new Error(`no answer: ${JSON.stringify(batch.errors)}`);
  return { status: line.response.status_code, body: line.response.body };
}

export async function runMessages(client: Anthropic, requests: Anthropic.Messages.BatchCreateParams.Request[]) {
  const created = await client.messages.batches.create({ requests });
  const batch = await untilMessagesEnded(client, created.id);
  const results = await readResults(client, created.id);
  return { batch, results };
}

export async function readResults(client: Anthropic, batchId: string) {
  const results: Anthropic.Messages.MessageBatchIndividualResponse[] = [];
  for await (const result of await client.messages.batches.results(batchId)) results.push(result);
  return results;
}

/** Runs a batch of one request. */
export async function runMessage(client: Anthropic, text: string, more: object = {}) {
  const { results } = await runMessages(client, [messageRequest('only', text, more)]);
  const result = results[0]?.result;
  if (result === undefined) throw new Error('no result');
  return result;
}

/** A call with no SDK between; the answer as it came. */
export async function call(simulator: Simulator, path: string, init: RequestInit = {}) {
  const response = await fetch(`${simulator.url}${path}`, {
    ...init,
    headers: { authorization: 'Bearer sk-test', 'anthropic-version': '2023-06-01', ...init.headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}
