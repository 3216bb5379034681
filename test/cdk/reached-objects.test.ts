import { AsyncLocalStorage } from 'node:async_hooks';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { accessOf, type Folder } from '../../cdk/access.ts';
import { functionNames } from '../../cdk/bundles.ts';
import type { FunctionName } from '../../lib/core/function-timeouts.ts';
import { collect } from '../../lib/pipeline/collect.ts';
import { finalize } from '../../lib/pipeline/finalize.ts';
import { poll } from '../../lib/pipeline/poll.ts';
import { prepare } from '../../lib/pipeline/prepare.ts';
import type { StepContext } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit.ts';
import { pass } from '../pipeline/drive.ts';
import { type Harness, startHarness } from '../pipeline/harness.ts';
import { chatLine, fileOf } from '../pipeline/requests.ts';

const optionOfDrop = 'on-invalid-line';
const step = new AsyncLocalStorage<FunctionName>();
const reached = new Map(functionNames.map((name) => [name, { reads: new Set<string>(), writes: new Set<string>() }]));

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
  const kind = /^(Get|Head)/.test(command.constructor.name) ? 'reads' : 'writes';
  places[kind].add(`${key?.split('/')[0]}/`);
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
    const { done } = await step.run('finalize', () => finalize(services, at));
    if (done) return;
  }
  throw new Error('The batch did not end.');
}

describe('objects', () => {
  it('are reached only in the folders that each function may reach, through a batch with errors and a second round', async () => {
    const lines = [chatLine('first'), '{"custom_id": "second"}', chatLine('third')];
    harness.simulators.openai.setFaults([{ kind: 'partial', fraction: 0.5, times: 1 }]);
    const batchId = await step.run('intake', () =>
      harness.drop('reached.jsonl', fileOf(lines), { [optionOfDrop]: 'error_line' }),
    );
    await run(batchId ?? '');
    expect((await harness.status('reached.jsonl')).request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
    for (const [name, { reads, writes }] of reached) {
      const access = accessOf[name];
      expect(
        [...reads].filter((folder) => !isGranted(access.reads, folder)),
        `${name} reads`,
      ).toEqual([]);
      expect(
        [...writes].filter((folder) => !isGranted(access.writes, folder)),
        `${name} writes`,
      ).toEqual([]);
    }
  });

  it('are reached in every folder that a function may reach', () => {
    const notHere: Partial<Record<FunctionName, Folder[]>> = { prepare: ['files/'] }; // inputs that came through the API
    for (const [name, { reads, writes }] of reached) {
      const granted = [...(accessOf[name].reads ?? []), ...(accessOf[name].writes ?? [])];
      const unreached = granted.filter((folder) => !reads.has(folder) && !writes.has(folder));
      expect(unreached, name).toEqual(notHere[name] ?? []);
    }
  });
});

function isGranted(folders: readonly string[] = [], folder: string): boolean {
  return folders.includes(folder);
}
