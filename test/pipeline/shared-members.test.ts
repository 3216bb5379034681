import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { fileOf, nativeLine } from './requests.ts';

let harness: Harness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const betas = { allowed: ['a-1', 'b-2'], always: ['c-3'] };
  harness = await startHarness({
    providers: {
      anthropic: { kind: 'anthropic', secret: 'anthropic', settleSeconds: 5, createTimeoutSeconds: 10, betas },
    },
  });
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

function lineWith(customId: string, betas: string[] | undefined, text?: string): string {
  const line = JSON.parse(nativeLine(customId, text));
  return JSON.stringify({ ...line, params: { ...line.params, betas } });
}

it('lines with different betas go in different batches, in later rounds too', async () => {
  const lines = [
    lineWith('plain', undefined),
    lineWith('first', ['a-1']),
    lineWith('both', ['b-2', 'a-1']),
    lineWith('again', ['a-1', 'a-1']),
    lineWith('failing', ['a-1'], '[[server-error]]'),
  ];
  const batchId = await harness.drop('betas.jsonl', fileOf(lines), { 'max-attempts': '2' });
  await drive(harness, batchId ?? '');

  await expectExactlyOnce(harness, batchId ?? '', lines);
  const creations = await harness.simulators.anthropic.creations();
  expect(creations.map(({ requestIds }) => requestIds.length)).toEqual([1, 3, 1, 1]);
  const { rounds } = await harness.batch(batchId ?? '');
  const shards = await harness.services.records.listShards(batchId ?? '', rounds[1]?.token ?? '');
  expect(shards.map(({ shared }) => shared)).toEqual(['{"betas":["a-1"]}']);
  const { errors, retry } = await harness.results(batchId ?? '');
  expect(errors.map((line) => JSON.parse(line).custom_id)).toEqual(['failing']);
  expect(retry).toEqual([lines[4]]);
});

it('a beta that is not allowed is an error of its line', async () => {
  const batchId = await harness.drop('other.jsonl', fileOf([lineWith('a', ['d-4']), lineWith('b', ['a-1'])]));
  await drive(harness, batchId ?? '');
  const { status, errors } = await harness.batch(batchId ?? '');
  expect(status).toBe('failed');
  expect(errors).toMatchObject([{ code: 'unsupported_parameter', param: 'params.betas', line: 1 }]);
});
