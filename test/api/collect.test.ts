import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandIn } from '../cli/command.ts';
import { drive } from '../pipeline/drive.ts';
import { expectExactlyOnce } from '../pipeline/invariants.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;
let folder: string;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  folder = await mkdtemp(join(tmpdir(), 'batchdrop-collect-'));
});

afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
  vi.useRealTimers();
});

const lines = numbered(6, chatLine);

/** A batch of which each download was cut, so that answers are lost which the provider still has. */
async function withLostAnswers(requests = lines): Promise<string> {
  files += 1;
  const { openai } = api.harness.simulators;
  openai.setFaults([{ kind: 'truncated_download', how: 'clean_end', times: 20 }]);
  const batchId = (await api.harness.drop(`lost-${files}.jsonl`, fileOf(requests))) ?? '';
  await drive(api.harness, batchId, { maxTurns: 1_000 });
  openai.setFaults([]);
  const { status, counts, cost } = await api.harness.batch(batchId);
  expect(status).toBe('completed');
  expect(counts.failed).toBeGreaterThan(0);
  expect(cost?.lost).toBe(counts.failed);
  return batchId;
}

async function expectAllAnswered(batchId: string): Promise<void> {
  await drive(api.harness, batchId, { maxTurns: 1_000 });
  await expectExactlyOnce(api.harness, batchId, lines);
  expect((await api.client.batches.retrieve(batchId)).request_counts).toEqual({ total: 6, completed: 6, failed: 0 });
  const created = await api.harness.simulators.openai.creations();
  const id = batchId.slice('batch_'.length);
  expect(created.filter(({ requestIds: [first = ''] }) => first.includes(id))).toHaveLength(1);
  expect((await api.harness.batch(batchId)).cost).not.toHaveProperty('lost');
}

describe('lost answers are read again', () => {
  it('through the API, by their owner, and once they are there no more', async () => {
    const batchId = await withLostAnswers();
    const path = `/batches/${batchId}/collect`;
    await expect(api.stranger.post(path)).rejects.toThrow(OpenAI.NotFoundError);
    expect((await api.harness.batch(batchId)).status).toBe('completed');

    expect(await api.client.post(path)).toMatchObject({ object: 'batch', id: batchId, status: 'finalizing' });
    expect(await api.client.post(path)).toMatchObject({ id: batchId, status: 'finalizing' });
    await expectAllAnswered(batchId);
    await expect(api.client.post(path)).rejects.toThrow(/has no lost results/);
  });

  it("through Anthropic's client, too: large results that were read before are read anew", async () => {
    const model = 'gpt-5-mini';
    const params = { model, max_tokens: 50, messages: [{ role: 'user', content: 'Say it' }] };
    const batchId = await withLostAnswers(numbered(6, (custom_id) => JSON.stringify({ custom_id, params })));
    const served = await api.served({ maxContentBytes: 100 });
    const client = new Anthropic({ apiKey: api.key, baseURL: served.baseURL.replace('/v1', ''), maxRetries: 0 });
    const id = batchId.replace('batch_', 'msgbatch_');
    const kinds = async () =>
      (await Array.fromAsync(await client.messages.batches.results(id))).map(({ result }) => result.type);
    expect(await kinds()).toContain('errored');

    await api.client.post(`/batches/${batchId}/collect`);
    expect(await client.messages.batches.retrieve(id)).toMatchObject({
      processing_status: 'in_progress',
      request_counts: { processing: 6, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      results_url: null,
    });
    await drive(api.harness, batchId, { maxTurns: 1_000 });
    expect(await client.messages.batches.retrieve(id)).toMatchObject({
      processing_status: 'ended',
      request_counts: { processing: 0, succeeded: 6, errored: 0, canceled: 0, expired: 0 },
    });
    expect(await kinds()).toEqual(Array.from({ length: 6 }, () => 'succeeded'));
  });

  it('not for a batch that runs', async () => {
    const batchId = (await api.harness.drop('runs.jsonl', fileOf(lines))) ?? '';
    const answer = api.client.post(`/batches/${batchId}/collect`);
    await expect(answer).rejects.toThrow(OpenAI.ConflictError);
    await expect(answer).rejects.toThrow(/its results are still to come/);
  });

  /** As `withLostAnswers`, of a table. */
  async function tableWithLostAnswers(name: string): Promise<string> {
    const { openai } = api.harness.simulators;
    openai.setFaults([{ kind: 'truncated_download', how: 'clean_end', times: 20 }]);
    const template = { custom_id: '{{ a }}', body: JSON.parse(chatLine('x')).body };
    await api.harness.put(`inbox/${name}.options.json`, JSON.stringify({ template }));
    const batchId = (await api.harness.drop(name, 'a\n1\n2\n')) ?? '';
    await drive(api.harness, batchId, { maxTurns: 1_000 });
    openai.setFaults([]);
    return batchId;
  }

  it('but not into a results table that was deleted', async () => {
    const batchId = await tableWithLostAnswers('deleted.csv');
    const { resultTable } = await api.harness.batch(batchId);
    await api.client.files.delete(resultTable?.parts[0]?.fileId ?? '');

    await api.client.post(`/batches/${batchId}/collect`);

    expect(await api.harness.batch(batchId)).toMatchObject({ status: 'finalizing', resultTable });
  });

  it('by the command line, which says what became of the batch', async () => {
    const batchId = await withLostAnswers();
    const env = { BATCHDROP_URL: api.url, BATCHDROP_API_KEY: api.key };
    const collect = () => commandIn(folder, ['collect', batchId, '--json'], { env }).ended;

    const asked = await collect();
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(asked.stdout)).toMatchObject({ id: batchId, status: 'finalizing' });
    await expectAllAnswered(batchId);

    const again = await collect();
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain('has no lost results');
  });
});
