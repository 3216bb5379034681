import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SweepAnswer } from '../../lib/pipeline/upkeep/sweep.ts';
import type { Objects } from '../../lib/store/objects.ts';
import { drive, functionContext, pass } from '../pipeline/drive.ts';
import { chatLine, claudeLine, fileOf } from '../pipeline/requests.ts';
import { sweep } from '../pipeline/steps.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

const hours = 3_600;
const days = 24 * hours;

let api: ApiHarness;
let drops = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

/** The text of a request that is answered, of one that is refused, and of the answers of the simulators. */
const [asked, refused] = ['a question of ours', '[[refuse]] what we asked'];

/** A batch of two providers, one of whose lines are translated, with a refused line and an invalid one. */
async function runBatch(options: Record<string, string> = {}) {
  drops += 1;
  const name = `kept-${drops}.jsonl`;
  const lines = [chatLine('a', asked), claudeLine('b', asked), chatLine('c', refused), '{"custom_id": "d"}'];
  const id = await api.harness.drop(name, fileOf(lines), { 'on-invalid-line': 'error_line', ...options });
  await drive(api.harness, id ?? '');
  const batch = await api.client.batches.retrieve(id ?? '');
  expect(batch).toMatchObject({ status: 'completed', request_counts: { completed: 2, failed: 2 } });
  const { output_file_id: output = '', error_file_id: errors = '', input_file_id: input } = batch;
  return { id: batch.id, name, output, errors, input };
}

/** The objects of a batch that hold something, by a part of their names. */
async function objectsWith(id: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of [`work/${id}/`, `results/${id}/`])
    for (const { key } of (await api.harness.services.objects.listPage(folder, '')).objects)
      if ((await api.harness.read(key))?.includes(text)) found.push(key.replace(/^(\w+)\/.*\//, '$1 '));
  return [...new Set(found)].toSorted();
}

function sweepNow(): Promise<SweepAnswer> {
  return sweep(api.harness.services, {}, functionContext());
}

/** What stands in each answer of the simulators. */
const answered = '"choices"';
/** And in each error line. */
const failed = '"attempts":';
/** The simulators repeat the question in their answers. */
const whatEchoes = ['results output.jsonl', 'work output.jsonl'];

async function shardAnswers(id: string): Promise<number> {
  return (await api.raw(`/v1/batches/${id}/shards/0/0/output`)).status;
}

async function loseAResult(id: string): Promise<void> {
  const { records } = api.harness.services;
  const { rounds } = await records.getBatch(id);
  const name = { batchId: id, set: rounds[0]?.token ?? '', shard: 0 };
  await records.updateShard(name, ({ result, ...shard }) => ({ ...shard, result: result && { ...result, lost: 1 } }));
}

describe('when the output is deleted', () => {
  it('no answer is left, while errors and their requests stay', async () => {
    const { id, name, output } = await runBatch();
    expect(await objectsWith(id, answered)).toEqual(['results output.jsonl', 'work output.jsonl']);
    expect(await shardAnswers(id)).toBe(200);
    await api.client.files.delete(output);
    expect(await objectsWith(id, answered)).toEqual([]);
    expect(await objectsWith(id, asked)).toEqual(['work lines.jsonl']);
    expect(await objectsWith(id, refused)).toEqual(['results retry.jsonl', 'work lines.jsonl']);
    expect(await shardAnswers(id)).toBe(404);
    expect(await api.harness.status(name)).toMatchObject({
      status: 'completed',
      output: null,
      retry: expect.any(String),
    });
    await expect(api.client.files.content(output)).rejects.toThrow('404');
    await loseAResult(id);
    const collected = await api.raw(`/v1/batches/${id}/collect`, { method: 'POST' });
    expect(collected.status).toBe(409);
    expect(await collected.text()).toContain('these files are deleted: output');
  });

  it('the sweep ends what the deletion could not', async () => {
    const { id, output } = await runBatch();
    const { objects } = api.harness.services;
    const spy = vi.spyOn(objects, 'listPage').mockRejectedValueOnce(new Error('slow down'));
    await expect(api.client.files.delete(output, { maxRetries: 0 })).rejects.toThrow('500');
    spy.mockRestore();
    expect(await objectsWith(id, answered)).toEqual(['work output.jsonl']);
    expect(await shardAnswers(id)).toBe(404);
    await sweepNow();
    expect(await objectsWith(id, answered)).toEqual([]);
  });
});

describe('when the error file is deleted', () => {
  it('its requests go with it, and the answers stay', async () => {
    const { id, name, errors } = await runBatch();
    expect(await objectsWith(id, failed)).toEqual([
      'results errors.jsonl',
      'work errors.jsonl',
      'work refused-errors.jsonl',
    ]);
    await api.client.files.delete(errors);
    expect(await objectsWith(id, failed)).toEqual([]);
    expect(await objectsWith(id, refused)).toEqual(['work lines.jsonl']);
    expect(await objectsWith(id, answered)).toEqual(['results output.jsonl', 'work output.jsonl']);
    expect(await api.harness.status(name)).toMatchObject({ output: expect.any(String), errors: null, retry: null });
    const again = await api.raw(`/v1/batches/${id}/retry`, { method: 'POST' });
    expect(again.status).toBe(409);
    await api.harness.put(`results/${id}/retry.jsonl`, 'of a run that came late');
    await sweepNow();
    expect((await api.harness.results(id)).retry).toEqual([]);
  });
});

describe('when the input is deleted', () => {
  it('its lines go with the next sweep, and answers and errors stay', async () => {
    const { id, name, input } = await runBatch();
    // A retry reads what stands in the files of the first batch, which stays with its error file.
    const retried: OpenAI.Batch = await api.client.post(`/batches/${id}/retry`);
    await api.client.files.delete(retried.input_file_id);
    expect((await api.harness.status(name)).retry).toContain('/retry.jsonl');
    await api.client.files.delete(input);
    await sweepNow();
    expect(await objectsWith(id, asked)).toEqual(whatEchoes);
    expect(await objectsWith(id, refused)).toEqual(['results retry.jsonl']);
    expect(await objectsWith(id, answered)).toEqual(['results output.jsonl', 'work output.jsonl']);
  });

  it('a batch that runs keeps its lines until it has ended', async () => {
    const id = (await api.harness.drop('running.jsonl', fileOf([claudeLine('a', asked)]))) ?? '';
    await drive(api.harness, id, {
      onTurn: async (turn) => {
        if (turn !== 3) return;
        await api.client.files.delete((await api.client.batches.retrieve(id)).input_file_id);
        await sweepNow();
        expect(await objectsWith(id, asked)).toContain('work lines.jsonl');
      },
    });
    expect(await api.client.batches.retrieve(id)).toMatchObject({ request_counts: { completed: 1 } });
    await sweepNow();
    expect(await objectsWith(id, asked)).toEqual(whatEchoes);
  });
});

describe('when its time is over', () => {
  it('an output goes as if it were deleted', async () => {
    const { id, name } = await runBatch({
      'output-expires-after': JSON.stringify({ anchor: 'created_at', seconds: hours }),
    });
    pass(hours + 1);
    expect(await shardAnswers(id)).toBe(404);
    pass(hours);
    expect(await sweepNow()).toMatchObject({ removed: 2 });
    expect(await objectsWith(id, answered)).toEqual([]);
    expect(await objectsWith(id, refused)).toEqual(['work lines.jsonl']);
    expect(await api.harness.status(name)).toMatchObject({ output: null, errors: null, retry: null });
  });

  it('all work of a batch goes, and its results stay', async () => {
    const { id } = await runBatch();
    pass(7 * days);
    await sweepNow();
    expect(await shardAnswers(id)).toBe(404);
    expect((await api.harness.services.objects.listPage(`work/${id}/`, '')).objects).not.toEqual([]);
    pass(hours);
    expect((await sweepNow()).removedWork).toBeGreaterThan(8);
    expect((await api.harness.services.objects.listPage(`work/${id}/`, '')).objects).toEqual([]);
    expect((await api.harness.results(id)).output).toHaveLength(2);
    expect((await api.harness.results(id)).retry).toHaveLength(2);
  });

  it('work goes by and by, where a run sees a part of the batches', async () => {
    for (const name of ['first.jsonl', 'second.jsonl', 'third.jsonl'])
      await drive(api.harness, (await api.harness.drop(name, fileOf([chatLine('a')]))) ?? '');
    pass(8 * days);
    const { objects } = api.harness.services;
    const { listFolders } = objects;
    vi.spyOn(objects, 'listFolders').mockImplementation(async function (this: Objects, ...of) {
      const { folders } = await listFolders.call(this, ...of);
      return { folders: folders.slice(0, 1), next: folders.length > 1 ? (folders[0] ?? null) : null };
    });
    const left: number[] = [];
    for (let run = 0; run < 2; run += 1) {
      await sweepNow();
      left.push((await listFolders.call(objects, 'work/', '')).folders.length);
    }
    vi.restoreAllMocks();
    expect(left).toEqual([1, 0]);
  });
});

it('status, summary and reports hold no text of requests or answers', async () => {
  const secret = 'something-nobody-else-may-read';
  const line = (id: string, body: string) =>
    `{"custom_id": "${id}", "method": "POST", "url": "/v1/chat/completions", "body": ${body}}`;
  const messages = `[{"role": "user", "content": "${secret}"}]`;
  const lines = [
    claudeLine('warned', secret).replace('"messages"', '"seed":7,"messages"'),
    chatLine('refused', `[[refuse]] ${secret}`),
    line('broken', `{"model": "gpt-5-mini", "messages": ${messages.slice(0, -2)}`),
    line('unquoted', `{"model": "gpt-5-mini", "messages": [${secret}]}`),
    line('bare', `"${secret}"`),
    line('wrong role', `{"model": "claude-sonnet-4-5", "messages": [{"role": "tool", "content": "${secret}"}]}`),
    line('wrong kind', `{"model": "claude-sonnet-4-5", "messages": "${secret}"}`),
    line(
      'wrong part',
      `{"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": [{"type": "x", "text": "${secret}"}]}]}`,
    ),
    `{"custom_id": "no url", "body": {"model": "gpt-5-mini", "messages": ${messages}}}`,
    secret,
  ];
  const id = (await api.harness.drop('secret.jsonl', fileOf(lines), { 'on-invalid-line': 'error_line' })) ?? '';
  await drive(api.harness, id);
  const batch = await api.client.batches.retrieve(id);
  expect(batch.status).toBe('completed');
  expect(await objectsWith(id, secret)).toEqual(
    expect.arrayContaining(['results retry.jsonl', 'work lines.jsonl', 'work refused-lines.jsonl']),
  );
  expect((await objectsWith(id, secret)).filter((name) => /validation|warnings|batch\.json/.test(name))).toEqual([]);
  expect(await objectsWith(id, '')).toEqual(
    expect.arrayContaining(['results batch.json', 'results validation.jsonl', 'results warnings.jsonl']),
  );
  expect(await api.harness.read('status/secret.jsonl.json')).not.toContain(secret);
});
