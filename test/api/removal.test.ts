import type OpenAI from 'openai';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SweepAnswer } from '../../lib/pipeline/upkeep/sweep.ts';
import { filePrefix, resultKey } from '../../lib/records/object-keys.ts';
import { drive, functionContext, pass } from '../pipeline/drive.ts';
import { chatLine, fileOf } from '../pipeline/requests.ts';
import { sweep } from '../pipeline/steps.ts';
import { type ApiHarness, jsonlFile, startApi } from './api-harness.ts';

let api: ApiHarness;
let client: OpenAI;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
  client = api.client;
});

afterEach(() => api.close());

afterAll(() => vi.useRealTimers());

const hour = 3_600;
const text = fileOf([chatLine('a')]);

function sweepNow(): Promise<SweepAnswer> {
  return sweep(api.harness.services, {}, functionContext());
}

function upload(seconds?: number): Promise<OpenAI.FileObject> {
  const expires = seconds === undefined ? {} : { expires_after: { anchor: 'created_at', seconds } as const };
  return client.files.create({ file: jsonlFile([chatLine('a')]), purpose: 'batch', ...expires });
}

async function beginUpload(expires_after?: { anchor: 'created_at'; seconds: number }) {
  const { id } = await client.uploads.create({
    filename: 'parts.jsonl',
    purpose: 'batch',
    bytes: text.length,
    mime_type: 'application/jsonl',
    ...(expires_after && { expires_after }),
  });
  const part = await client.uploads.parts.create(id, { data: new File([text], 'part') });
  return { id, part_ids: [part.id], fileId: (await api.harness.services.uploads.get(id)).fileId };
}

/** Whether there is any object in a file's folder. */
async function hasBytes(fileId: string): Promise<boolean> {
  const { S3Client, ListObjectsV2Command } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ forcePathStyle: true });
  const { bucket } = api.harness.services.objects;
  const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: filePrefix(fileId) }));
  return KeyCount !== 0;
}

describe('the sweep removes', () => {
  it("an expired file's bytes and its record, an hour after its time, and no other file's", async () => {
    const [short, long, lasting] = [await upload(hour), await upload(48 * hour), await upload()];
    pass(hour + 10);
    expect(await sweepNow()).toMatchObject({ removed: 0 });
    pass(hour);
    expect(await sweepNow()).toMatchObject({ removed: 1 });
    expect(await Promise.all([short, long, lasting].map(({ id }) => hasBytes(id)))).toEqual([false, true, true]);
    expect(await api.harness.services.records.findFile(short.id)).toBeNull();
    expect(await (await client.files.content(long.id)).text()).toBe(text);
    expect(await sweepNow()).toMatchObject({ removed: 0 });
  });

  it('the parts of an upload that nobody completed, and keeps those of one that was', async () => {
    const [left, done] = [await beginUpload(), await beginUpload()];
    const cancelled = await beginUpload();
    const { file } = await client.uploads.complete(done.id, { part_ids: done.part_ids });
    await client.uploads.cancel(cancelled.id);
    pass(2 * hour + 10);
    expect(await sweepNow()).toMatchObject({ removed: 2 });
    const gone = [left, cancelled, done].map(({ fileId }) => hasBytes(fileId));
    expect(await Promise.all(gone)).toEqual([false, false, true]);
    expect(await (await client.files.content(file?.id ?? '')).text()).toBe(text);
  });

  it('the file of an upload when that has lived its time', async () => {
    const { id, part_ids, fileId } = await beginUpload({ anchor: 'created_at', seconds: 5 * hour });
    await client.uploads.complete(id, { part_ids });
    pass(3 * hour);
    expect(await sweepNow()).toMatchObject({ removed: 0 });
    expect(await hasBytes(fileId)).toBe(true);
    pass(3 * hour + 10);
    expect(await sweepNow()).toMatchObject({ removed: 1 });
    expect(await hasBytes(fileId)).toBe(false);
  });

  it('the results of a batch whose files were to expire', async () => {
    const { id } = await client.batches.create({
      input_file_id: (await upload()).id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      output_expires_after: { anchor: 'created_at', seconds: hour },
    });
    await drive(api.harness, id);
    expect(await api.harness.read(resultKey(id, 'output.jsonl'))).not.toBeNull();
    pass(2 * hour + 10);
    expect(await sweepNow()).toMatchObject({ removed: 1 });
    expect(await api.harness.read(resultKey(id, 'output.jsonl'))).toBeNull();
    expect((await client.batches.retrieve(id)).status).toBe('completed');
  });
});

describe('the sweep leaves', () => {
  it('what an unfinished batch reads, whose requests then all come back, and removes it afterwards', async () => {
    const { id: input_file_id } = await upload(hour);
    const { id } = await client.batches.create({
      input_file_id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    pass(3 * hour);
    expect(await sweepNow()).toMatchObject({ unfinished: 1, removed: 0 });
    expect(await hasBytes(input_file_id)).toBe(true);
    await drive(api.harness, id);
    expect(await client.batches.retrieve(id)).toMatchObject({ status: 'completed', request_counts: { completed: 1 } });
    expect(await sweepNow()).toMatchObject({ removed: 1 });
    expect(await hasBytes(input_file_id)).toBe(false);
  });

  it('everything, when it cannot see what the unfinished batches read', async () => {
    const { id } = await upload(hour);
    await client.batches.create({
      input_file_id: id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    pass(3 * hour);
    vi.spyOn(api.harness.services.records, 'getBatch').mockRejectedValue(new Error('throttled'));
    expect(await sweepNow()).toMatchObject({ unfinished: 1, removed: 0 });
    expect(await hasBytes(id)).toBe(true);
  });
});
