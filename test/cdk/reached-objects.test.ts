import { AsyncLocalStorage } from 'node:async_hooks';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { functionNames } from '../../cdk/packages.ts';
import { createApi } from '../../lib/api/app.ts';
import { collect } from '../../lib/pipeline/collect/collect.ts';
import { finalize } from '../../lib/pipeline/finalize/finalize.ts';
import { poll } from '../../lib/pipeline/poll/poll.ts';
import { prepare } from '../../lib/pipeline/prepare/prepare.ts';
import type { StepContext } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit/submit.ts';
import { sweep } from '../../lib/pipeline/upkeep/sweep.ts';
import { accessOf, type Folder } from '../../lib/records/function-access.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { pass } from '../pipeline/drive.ts';
import { type Harness, startHarness } from '../pipeline/harness.ts';
import { chatLine, fileOf } from '../pipeline/requests.ts';

const optionOfDrop = 'on-invalid-line';
const step = new AsyncLocalStorage<FunctionName>();
const newPlaces = () => ({ reads: new Set<string>(), writes: new Set<string>(), deletes: new Set<string>() });
const reached = new Map(functionNames.map((name) => [name, newPlaces()]));

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const send = S3Client.prototype.send;
  vi.spyOn(S3Client.prototype, 'send').mockImplementation(function (this: S3Client, ...values: unknown[]) {
    note(values[0]);
    return Reflect.apply(send, this, values);
  });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function note(command: unknown): void {
  const name = step.getStore();
  const places = name && reached.get(name);
  if (!places || typeof command !== 'object' || command === null || !('input' in command)) return;
  const { Key: key, Metadata: metadata } = command.input as { Key?: string; Metadata?: Record<string, string> };
  if (metadata && optionOfDrop in metadata) return; // the user's own put
  if (key !== undefined) places[kindOf(command.constructor.name)].add(folderOf(key));
  for (const removed of removedKeys(command.input as object)) places.deletes.add(folderOf(removed));
}

function kindOf(command: string): 'reads' | 'writes' {
  return /^(Get|Head)/.test(command) ? 'reads' : 'writes';
}

function folderOf(key: string): string {
  return `${key.split('/')[0]}/`;
}

function removedKeys(input: object): string[] {
  const { Delete: removal } = input as { Delete?: { Objects: { Key: string }[] } };
  return removal?.Objects.map(({ Key }) => Key) ?? [];
}

function context(): StepContext {
  const endsAt = Date.now() + 60_000;
  return { remainingMs: () => endsAt - Date.now(), signal: new AbortController().signal };
}

/** The state machine in short, each step under its function's name. */
async function run(batchId: string): Promise<void> {
  const { services } = harness;
  const at = { batchId, epoch: 0 };
  await step.run('prepare', () => prepare(services, at, context()));
  for (let turns = 0; turns < 200; turns += 1) {
    const turn = await step.run('poll', () => poll(services, { ...at, events: 0 }, context()));
    for (const shard of turn.submit) await step.run('submit', () => submit(services, { ...at, shard }, context()));
    for (const shard of turn.collect) await step.run('collect', () => collect(services, { ...at, shard }, context()));
    pass(turn.waitSeconds);
    if (!turn.finished) continue;
    const { done } = await step.run('finalize', () => finalize(services, at, context()));
    if (done) return;
  }
  throw new Error('The batch did not end.');
}

describe('objects', () => {
  it('are reached through the API: a file is sent, batched, read, sent again where it failed, and removed', async () => {
    const lines = [chatLine('first'), '{"custom_id": "second"}'];
    const call = await caller();
    const file = await call<{ id: string }>('POST', '/v1/files', formOf(fileOf(lines)));
    const batch = await call<{ id: string }>('POST', '/v1/batches', {
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      on_invalid_line: 'error_line',
    });
    await run(batch.id);
    const ended = await call<{ output_file_id: string }>('GET', `/v1/batches/${batch.id}`);
    const retry = await call<{ id: string }>('POST', `/v1/batches/${batch.id}/retry`);
    await run(retry.id);
    for (const id of [file.id, ended.output_file_id]) {
      await call('GET', `/v1/files/${id}/content`);
      await call('DELETE', `/v1/files/${id}`);
    }
  });

  it('are reached when their time is over: the sweep removes an input and an output', async () => {
    const call = await caller();
    const form = formOf(fileOf([chatLine('first')]));
    form.set('expires_after[anchor]', 'created_at');
    form.set('expires_after[seconds]', '3600');
    const file = await call<{ id: string }>('POST', '/v1/files', form);
    const batch = await call<{ id: string }>('POST', '/v1/batches', {
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      output_expires_after: { anchor: 'created_at', seconds: 3_600 },
    });
    await run(batch.id);
    pass(3 * 3_600);
    const { removed } = await step.run('sweep', () => sweep(harness.services, {}, context()));
    expect(removed).toBe(2);
  });

  it('are reached for tables, through every way in', async () => {
    const template = { body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: '{{ a }}' }] } };
    const call = await caller();
    const file = await call<{ id: string }>('POST', '/v1/files', formOf('{"a":"first"}\n'));
    const asked = { endpoint: '/v1/chat/completions', completion_window: '24h', template };
    await run((await call<{ id: string }>('POST', '/v1/batches', { input_file_id: file.id, ...asked })).id);
    await harness.put('inbox/tables/_template.json', JSON.stringify(template));
    await run(
      (await step.run('intake', () =>
        harness.drop('tables/now.csv', 'a\nfirst\n', { [optionOfDrop]: 'error_line' }),
      )) ?? '',
    );
    await harness.put('inbox/tables/lost.csv', 'a\nfirst\n');
    pass(11 * 60);
    await step.run('sweep', () => sweep(harness.services, {}, context()));
    await run((await harness.status('tables/lost.csv')).batch_id ?? '');
  });

  it('are reached for a drop without an event: the sweep takes it up', async () => {
    await harness.put('inbox/lost.jsonl', fileOf([chatLine('first')]), { [optionOfDrop]: 'error_line' });
    pass(11 * 60);
    const { takenUp } = await step.run('sweep', () => sweep(harness.services, {}, context()));
    expect(takenUp).toBe(1);
    await run((await harness.status('lost.jsonl')).batch_id ?? '');
  });

  it('are reached through the API for a drop, too: it is cancelled while it is under way', async () => {
    const call = await caller();
    const batchId = await step.run('intake', () =>
      harness.drop('to-cancel.jsonl', fileOf([chatLine('first')]), { [optionOfDrop]: 'error_line' }),
    );
    await step.run('prepare', () => prepare(harness.services, { batchId: batchId ?? '', epoch: 0 }, context()));
    await call('POST', `/v1/batches/${batchId}/cancel`);
    expect((await harness.status('to-cancel.jsonl')).status).toBe('cancelling');
    await run(batchId ?? '');
  });

  it('are reached only in the folders that each function may reach, through a batch with errors and a second round', async () => {
    const lines = [chatLine('first'), '{"custom_id": "second"}', chatLine('third')];
    harness.simulators.openai.setFaults([{ kind: 'partial', fraction: 0.5, times: 1 }]);
    const batchId = await step.run('intake', () =>
      harness.drop('reached.jsonl', fileOf(lines), { [optionOfDrop]: 'error_line' }),
    );
    await run(batchId ?? '');
    expect((await harness.status('reached.jsonl')).request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
    for (const [name, { reads, writes, deletes }] of reached) {
      const access = accessOf[name];
      expect(
        [...reads].filter((folder) => !isGranted(access.reads, folder)),
        `${name} reads`,
      ).toEqual([]);
      expect(
        [...writes].filter((folder) => !isGranted(access.writes, folder)),
        `${name} writes`,
      ).toEqual([]);
      expect([...deletes].toSorted(), `${name} deletes`).toEqual([...(access.deletes ?? [])].toSorted());
    }
  });

  it('are reached in every folder that a function may reach', () => {
    const notHere: Partial<Record<FunctionName, Folder[]>> = { api: ['inbox/'] }; // links to it, which make no call
    for (const [name, { reads, writes }] of reached) {
      const granted = [...(accessOf[name].reads ?? []), ...(accessOf[name].writes ?? [])];
      const unreached = granted.filter((folder) => !reads.has(folder) && !writes.has(folder));
      expect(unreached, name).toEqual(notHere[name] ?? []);
    }
  });
});

type Call = <Answer>(method: string, path: string, body?: object) => Promise<Answer>;

/** Calls the API as its function does, without the gateway. */
async function caller(): Promise<Call> {
  const settings = {
    version: 'test',
    maxFileBytes: 1_000_000,
    maxContentBytes: 1_000_000,
    maxIdleMs: 1_000,
    mergeBudgetMs: 1_000,
  };
  const api = createApi(() => harness.services, settings);
  const { key } = await createApiKey(harness.services, 'default', 'test');
  return async <Answer>(method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${key}`, ...(isJson(body) && { 'content-type': 'application/json' }) };
    const sent = body instanceof FormData ? body : (body && JSON.stringify(body)) || null;
    const answer = await step.run('api', async () => api.request(path, { method, headers, body: sent }));
    expect(answer.status, `${method} ${path}`).toBeLessThan(400);
    const text = await answer.text();
    return (answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : null) as Answer;
  };
}

function isJson(body: object | undefined): boolean {
  return body !== undefined && !(body instanceof FormData);
}

function formOf(text: string): FormData {
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', new File([text], 'lines.jsonl'));
  return form;
}

function isGranted(folders: readonly string[] = [], folder: string): boolean {
  return folders.includes(folder);
}
