import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { drive } from '../pipeline/drive.ts';
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

it('a batch of an upload whose md5 is another fails, naming both', async () => {
  const batch = await api.client.batches.retrieve(await batchOfParts('0'.repeat(32)));
  expect(batch).toMatchObject({ status: 'failed', errors: { data: [{ code: 'md5_mismatch', param: 'md5' }] } });
});
