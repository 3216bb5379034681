import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { drive, shortTimes } from '../pipeline/drive.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  api = await startApi();
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

const text = fileOf(numbered(20, chatLine));

/** A batch of a file whose parts begin and end within lines. */
async function batchOfParts(md5: string): Promise<string> {
  const upload = await api.client.uploads.create({
    filename: 'parts.jsonl',
    purpose: 'batch',
    bytes: text.length,
    mime_type: 'application/jsonl',
  });
  const part_ids: string[] = [];
  for (let start = 0; start < text.length; start += 700) {
    const data = new File([text.slice(start, start + 700)], 'part');
    part_ids.push((await api.client.uploads.parts.create(upload.id, { data })).id);
  }
  const { file } = await api.client.uploads.complete(upload.id, { part_ids, md5 });
  const { id } = await api.client.batches.create({
    input_file_id: file?.id ?? '',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  await drive(api.harness, id);
  return id;
}

it('a batch reads across the parts of an upload', async () => {
  const id = await batchOfParts(createHash('md5').update(text).digest('hex'));
  const batch = await api.client.batches.retrieve(id);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: 20, completed: 20, failed: 0 } });
});

it('a batch reads a Parquet file across the parts of an upload, and knows its md5', async () => {
  const texts = Array.from({ length: 300 }, (_, place) => `own text ${place}`);
  const table = Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'text', data: texts }], rowGroupSize: 50 }));
  const upload = await api.client.uploads.create({
    filename: 'texts.parquet',
    purpose: 'batch',
    bytes: table.length,
    mime_type: 'application/octet-stream',
  });
  const part_ids: string[] = [];
  for (let start = 0; start < table.length; start += 500) {
    const data = new File([table.subarray(start, start + 500)], 'part');
    part_ids.push((await api.client.uploads.parts.create(upload.id, { data })).id);
  }
  const batchOf = async (input: string) => {
    const asked = {
      input_file_id: input,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      template: { body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: '{{ text }}' }] } },
    } as const;
    const { id } = await api.client.batches.create(asked);
    await drive(api.harness, id, { context: shortTimes([2, 3]) });
    return api.client.batches.retrieve(id);
  };
  const md5 = createHash('md5').update(table).digest('hex');
  const { file } = await api.client.uploads.complete(upload.id, { part_ids, md5 });
  expect(await batchOf(file?.id ?? '')).toMatchObject({
    status: 'completed',
    request_counts: { total: 300, completed: 300, failed: 0 },
  });
});

it('a batch reads compressed requests across the parts of an upload, and knows the md5 of what came', async () => {
  const packed = gzipSync(text);
  const md5 = createHash('md5').update(packed).digest('hex');
  for (const stated of [md5, '0'.repeat(32)]) {
    const upload = await api.client.uploads.create({
      filename: 'packed.jsonl.gz',
      purpose: 'batch',
      bytes: packed.length,
      mime_type: 'application/gzip',
    });
    const part_ids: string[] = [];
    for (let start = 0; start < packed.length; start += 200) {
      const data = new File([packed.subarray(start, start + 200)], 'part');
      part_ids.push((await api.client.uploads.parts.create(upload.id, { data })).id);
    }
    const { file } = await api.client.uploads.complete(upload.id, { part_ids, md5: stated });
    const { id } = await api.client.batches.create({
      input_file_id: file?.id ?? '',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    await drive(api.harness, id);
    expect(await api.client.batches.retrieve(id)).toMatchObject(
      stated === md5
        ? { status: 'completed', request_counts: { completed: 20 } }
        : { status: 'failed', errors: { data: [{ code: 'md5_mismatch' }] } },
    );
  }
});

it('a batch of an upload whose md5 is another fails, naming both', async () => {
  const batch = await api.client.batches.retrieve(await batchOfParts('0'.repeat(32)));
  expect(batch).toMatchObject({ status: 'failed', errors: { data: [{ code: 'md5_mismatch', param: 'md5' }] } });
});
