import { crc32 } from 'node:zlib';
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Harness, startHarness } from '../pipeline/harness.ts';

let harness: Harness;

beforeAll(async () => {
  harness = await startHarness();
});

afterAll(() => harness.close());

it('an object that goes up in parts, some of them copies, has the checksum that its upload named', async () => {
  const { objects } = harness.services;
  const bytes = Buffer.alloc(24 * 1024 * 1024, 'a line of a result\n');
  const first = objects.writer('work/first.jsonl');
  await first.write(bytes);
  const written = await first.close();
  const second = objects.writer('work/second.jsonl');
  await second.write(Buffer.from('a line before\n'));
  await second.append({
    key: written.key,
    bytes: written.bytes,
    sections: written.sections,
    read: async function* () {
      yield bytes;
    },
  });
  await second.close();

  expect(await checksumOf('work/first.jsonl')).toBe(base64(crc32(bytes)));
  expect(await checksumOf('work/second.jsonl')).toBe(base64(crc32(bytes, crc32('a line before\n'))));
});

async function checksumOf(key: string): Promise<string | undefined> {
  const head = new HeadObjectCommand({ Bucket: 'batchdrop', Key: key, ChecksumMode: 'ENABLED' });
  const found = await new S3Client({ forcePathStyle: true }).send(head);
  expect(found.ChecksumType).toBe('FULL_OBJECT');
  return found.ChecksumCRC32;
}

function base64(sum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(sum);
  return bytes.toString('base64');
}
