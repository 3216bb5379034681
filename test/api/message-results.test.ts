import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BatchRecord, S3Object } from '../../lib/records/batch.ts';
import type { ResultPlaces } from '../../lib/records/file.ts';
import { MessageResults } from '../../lib/service/message-results.ts';
import { drive } from '../pipeline/drive.ts';
import { chatLine, fileOf, nativeLine } from '../pipeline/requests.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;
/** Whose answers carry so little that all results are large. */
let client: Anthropic;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  const served = await api.served({ maxContentBytes: 100, mergeBudgetMs: 0 });
  client = new Anthropic({ apiKey: api.key, baseURL: served.baseURL.replace('/v1', ''), maxRetries: 0 });
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

function request(custom_id: string, model = 'claude-sonnet-4-5') {
  return { custom_id, params: { model, max_tokens: 50, messages: [{ role: 'user' as const, content: 'x' }] } };
}

async function dropped(name: string, lines: readonly string[]): Promise<string> {
  const batchId = (await api.harness.drop(name, fileOf(lines))) ?? '';
  await drive(api.harness, batchId);
  return batchId.replace('batch_', 'msgbatch_');
}

async function ended(id: string): Promise<BatchRecord> {
  const batchId = id.replace('msgbatch_', 'batch_');
  await drive(api.harness, batchId);
  return api.harness.batch(batchId);
}

async function resultsOf(id: string): Promise<[string, string][]> {
  const results = await Array.fromAsync(await client.messages.batches.results(id));
  return results.map(({ custom_id, result }) => [custom_id, result.type]);
}

describe('large results are one object, in the order of the input', () => {
  it('with failures in their places, and it goes with the batch', async () => {
    const requests = [request('l-0'), request('l-1', 'no-such-model'), request('l-2')];
    const { id } = await client.messages.batches.create({ requests });
    const { id: batchId } = await ended(id);
    const { results_url } = await client.messages.batches.retrieve(id);
    const first = await fetch(results_url ?? '', { headers: { 'x-api-key': api.key }, redirect: 'manual' });
    expect(first.status).toBe(302);
    const expected = [
      ['l-0', 'succeeded'],
      ['l-1', 'errored'],
      ['l-2', 'succeeded'],
    ];
    expect(await resultsOf(id)).toEqual(expected);
    expect(await resultsOf(id)).toEqual(expected);
    await client.messages.batches.delete(id);
    const files = await Array.fromAsync(api.client.files.list());
    expect(files.map(({ filename }) => filename)).not.toContain(`${batchId}_results.jsonl`);
  });

  it('where all were answered, that of the output itself', async () => {
    const { id } = await client.messages.batches.create({ requests: [request('o-0'), request('o-1')] });
    const batch = await ended(id);
    expect(await resultsOf(id)).toEqual([
      ['o-0', 'succeeded'],
      ['o-1', 'succeeded'],
    ]);
    const [bucket, key] = [api.harness.services.objects.bucket, `results/${batch.id}/output.jsonl`];
    const answer = await fetch(`${client.baseURL}/v1/messages/batches/${id}/results`, {
      headers: { 'x-api-key': api.key },
      redirect: 'manual',
    });
    expect(answer.headers.get('location')).toContain(`${bucket}/${key}`);
  });

  it('for chat completions, which are answered as messages', async () => {
    const id = await dropped('chat.jsonl', [chatLine('c-0'), chatLine('c-1', '[[refuse]]'), chatLine('c-2')]);
    const results = await Array.fromAsync(await client.messages.batches.results(id));
    expect(results.map(({ custom_id }) => custom_id)).toEqual(['c-0', 'c-1', 'c-2']);
    expect(results[1]?.result).toMatchObject({
      type: 'errored',
      error: { type: 'error', error: { type: 'invalid_request_error' } },
    });
    expect(results[2]?.result).toMatchObject({ type: 'succeeded', message: { type: 'message', role: 'assistant' } });
  });

  it('for a file of lines in several forms', async () => {
    const { custom_id, params: body } = request('m-2');
    const wrapped = JSON.stringify({ custom_id, method: 'POST', url: '/v1/messages', body });
    const id = await dropped('mixed.jsonl', [nativeLine('m-0'), nativeLine('m-1', '[[refuse]]'), wrapped]);
    expect(await resultsOf(id)).toEqual([
      ['m-0', 'succeeded'],
      ['m-1', 'errored'],
      ['m-2', 'succeeded'],
    ]);
  });
});

/** Files of a batch that never was: every third request failed, some have no result, and the input is as an editor leaves it. */
async function craftedFiles(count: number, fillerBytes: number) {
  const ids = Array.from({ length: count }, (_, place) => `r-${place}`);
  const filler = 'x'.repeat(fillerBytes);
  const answer = (id: string) => `{"custom_id":"${id}","result":{"type":"succeeded","message":{"text":"${filler}"}}}\n`;
  const failure = (id: string) =>
    `{"custom_id":"${id}","result":{"type":"expired"},"error":{"code":"batch_expired"}}\n`;
  const input = ids.map((id, place) => `${JSON.stringify(request(id))}${place % 7 === 0 ? '\r\n\n' : '\n'}`).join('');
  const isMissing = (place: number) => place % 11 === 5;
  const part = (isWanted: (place: number) => boolean, line: (id: string) => string) =>
    ids
      .filter((_, place) => !isMissing(place) && isWanted(place))
      .map(line)
      .join('');
  const put = async (name: string, text: string): Promise<S3Object> =>
    api.harness.services.objects.putText(`work/crafted-${count}/${name}`, text);
  const output = await put(
    'output',
    part((place) => place % 3 !== 0, answer),
  );
  const errors = await put(
    'errors',
    part((place) => place % 3 === 0, failure),
  );
  return {
    ids: ids.filter((_, place) => !isMissing(place)),
    input: await put('input', `\ufeff${input}`),
    output,
    errors,
  };
}

it('a reading goes on wherever an earlier one stopped', async () => {
  const { services } = api.harness;
  const { ids, input, output, errors } = await craftedFiles(400, 1_000);
  const { id } = await client.messages.batches.create({ requests: [request('any')] });
  const batch = { ...(await ended(id)), input: [input] };
  const files = {
    output: { objects: [output], bytes: output.bytes, expiresAt: null },
    errors: { objects: [errors], bytes: errors.bytes, expiresAt: null },
  };
  for (const step of [1, 3, 97, 1_000]) {
    const found: string[] = [];
    let places: ResultPlaces | undefined;
    for (let isDone = false; !isDone; ) {
      const reading = new MessageResults(services, batch, files, places);
      let read = 0;
      isDone = true;
      for await (const line of reading.lines()) {
        found.push(JSON.parse(line.toString()).custom_id);
        read += 1;
        if (read < step) continue;
        places = reading.places;
        isDone = false;
        break;
      }
      // A reading of single lines would be 400 readings of everything before them.
      if (step === 1 && found.length === 50) break;
    }
    expect(found).toEqual(step === 1 ? ids.slice(0, 50) : ids);
  }
});

it('are merged by as many calls as it takes, each of which does its part', async () => {
  const { services } = api.harness;
  const { ids, input, output, errors } = await craftedFiles(3_000, 10_000);
  const { id } = await client.messages.batches.create({ requests: [request('f-0'), request('f-1', 'no-such-model')] });
  const { outputFileId, errorFileId, ...batch } = await ended(id);
  await services.records.updateBatch(batch.id, (current) => ({ ...current, input: [input] }));
  for (const [fileId, object] of [
    [outputFileId, output],
    [errorFileId, errors],
  ] as const)
    await services.records.updateFile(fileId ?? '', (file) => ({ ...file, objects: [object], bytes: object.bytes }));
  let url = `${client.baseURL}/v1/messages/batches/${id}/results`;
  const merged: string[] = [];
  for (;;) {
    const answer = await fetch(url, { headers: { 'x-api-key': api.key }, redirect: 'manual' });
    expect(answer.status).toBe(302);
    url = new URL(answer.headers.get('location') ?? '', url).href;
    const bytes = new URL(url).searchParams.get('merged_bytes');
    if (bytes === null) break;
    merged.push(bytes);
  }

  expect(merged.length).toBeGreaterThanOrEqual(2);
  const text = await (await fetch(url)).text();
  expect(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).custom_id),
  ).toEqual(ids);
});
