import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { ObjectCreatedEvent } from '../../../local/s3/server.ts';
import { bodyFiles, bucketName, eventually, rawRequest, someBytes, startServer } from './running-server.ts';

const target = { Bucket: bucketName, Key: 'large + ü' };
const mebibyte = 1024 ** 2;

async function createUpload(client: S3Client, options: Partial<CreateMultipartUploadCommandInput> = {}) {
  const { UploadId: uploadId = '' } = await client.send(new CreateMultipartUploadCommand({ ...target, ...options }));
  return uploadId;
}

async function uploadPart(
  client: S3Client,
  uploadId: string,
  partNumber: number,
  body: Buffer | string,
  options: object = {},
): Promise<CompletedPart> {
  const part = { ...target, UploadId: uploadId, PartNumber: partNumber, Body: body, ...options };
  const { $metadata: _, ...answer } = await client.send(new UploadPartCommand(part));
  return { ...answer, PartNumber: partNumber };
}

function completion(uploadId: string, parts: CompletedPart[], options: object = {}): CompleteMultipartUploadCommand {
  return new CompleteMultipartUploadCommand({
    ...target,
    UploadId: uploadId,
    MultipartUpload: { Parts: parts },
    ...options,
  });
}

async function getBytes(client: S3Client, range?: string): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ ...target, Range: range }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
}

function md5(...chunks: Buffer[]): Buffer {
  return createHash('md5').update(Buffer.concat(chunks)).digest();
}

describe('multipart uploads', () => {
  it('make one object of 40 MB, parts in any order and twice', async () => {
    const { client, dataDir } = await startServer();
    const body = someBytes(40 * 1000 * 1000);
    const slices = Array.from({ length: 5 }, (_, index) => body.subarray(index * 8_388_608, (index + 1) * 8_388_608));
    const uploadId = await createUpload(client, { ContentType: 'application/jsonl', Metadata: { a: '1' } });

    await uploadPart(client, uploadId, 2, 'replaced below');
    const parts = await Promise.all(
      slices.map((slice, index) => uploadPart(client, uploadId, index + 1, slice)).reverse(),
    );
    const answer = await client.send(completion(uploadId, parts.reverse()));

    const etag = `"${md5(...slices.map((slice) => md5(slice))).toString('hex')}-5"`;
    expect(answer.ETag).toBe(etag);
    const head = await client.send(new HeadObjectCommand(target));
    expect(head).toMatchObject({
      ContentLength: body.length,
      ContentType: 'application/jsonl',
      Metadata: { a: '1' },
      ETag: etag,
    });
    expect((await getBytes(client)).equals(body)).toBe(true);
    const across = await getBytes(client, 'bytes=8388600-16777300');
    expect(across.equals(body.subarray(8_388_600, 16_777_301))).toBe(true);
    await eventually(async () => (await bodyFiles(dataDir)).length === 5);
  });

  it('drop the parts that the completion does not name', async () => {
    const { client, dataDir } = await startServer();
    const uploadId = await createUpload(client);
    await uploadPart(client, uploadId, 1, 'dropped');
    const part = await uploadPart(client, uploadId, 7, 'kept');

    await client.send(completion(uploadId, [part]));

    expect((await getBytes(client)).toString()).toBe('kept');
    await eventually(async () => (await bodyFiles(dataDir)).length === 1);
  });

  it('answer a repeated completion as the first, without a second event', async () => {
    const events: ObjectCreatedEvent[] = [];
    const { client } = await startServer({ onObjectCreated: async (event) => void events.push(event) });
    const uploadId = await createUpload(client);
    const part = await uploadPart(client, uploadId, 1, 'body');

    const first = await client.send(completion(uploadId, [part]));
    const second = await client.send(completion(uploadId, [part]));

    expect(second.ETag).toBe(first.ETag);
    await eventually(() => events.length > 0);
    expect(events.map((event) => event.detail.reason)).toEqual(['CompleteMultipartUpload']);
    expect(events[0]?.detail.object).toMatchObject({ key: target.Key, etag: first.ETag?.replaceAll('"', '') });
  });

  it('refuse wrong parts, and stay open', async () => {
    const { client } = await startServer();
    const uploadId = await createUpload(client);
    const small = await uploadPart(client, uploadId, 1, 'small');
    const large = await uploadPart(client, uploadId, 2, Buffer.alloc(5 * mebibyte));
    const last = await uploadPart(client, uploadId, 3, 'last');

    const attempts: [string, CompletedPart[]][] = [
      ['InvalidPartOrder', [last, large]],
      ['InvalidPartOrder', [large, large]],
      ['InvalidPart', [{ ...large, ETag: last.ETag }]],
      ['InvalidPart', [large, { ...last, PartNumber: 4 }]],
      ['EntityTooSmall', [small, large, last]],
      ['MalformedXML', []],
    ];
    for (const [name, parts] of attempts) {
      await expect(client.send(completion(uploadId, parts)), name).rejects.toMatchObject({ name });
    }

    await client.send(completion(uploadId, [large, last]));
    expect(await getBytes(client)).toHaveLength(5 * mebibyte + 4);
  });

  it('vanish without a trace when aborted, also under a part that is still arriving', async () => {
    const { client, dataDir } = await startServer();
    const uploadId = await createUpload(client);
    await uploadPart(client, uploadId, 1, 'body');

    const arriving = uploadPart(client, uploadId, 2, someBytes(30_000_000));
    const aborted = client.send(new AbortMultipartUploadCommand({ ...target, UploadId: uploadId }));

    const [partOutcome, abortOutcome] = await Promise.allSettled([arriving, aborted]);
    expect(abortOutcome.status).toBe('fulfilled');
    expect(partOutcome).toMatchObject({ reason: { name: 'NoSuchUpload' } });
    await eventually(async () => (await bodyFiles(dataDir)).length === 0);
    const objects = await client.send(new ListObjectsV2Command({ Bucket: bucketName }));
    expect(objects.KeyCount).toBe(0);
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucketName }));
    expect(uploads.Uploads).toBeUndefined();
    await expect(uploadPart(client, uploadId, 1, 'late')).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('list their parts over pages', async () => {
    const { client } = await startServer();
    const uploadId = await createUpload(client);
    for (const partNumber of [3, 1, 2]) {
      await uploadPart(client, uploadId, partNumber, `part ${partNumber}`);
    }
    const upload = { ...target, UploadId: uploadId };

    const first = await client.send(new ListPartsCommand({ ...upload, MaxParts: 2 }));
    const second = await client.send(
      new ListPartsCommand({ ...upload, MaxParts: 2, PartNumberMarker: first.NextPartNumberMarker }),
    );

    expect(first.IsTruncated).toBe(true);
    expect(first.Parts?.map((part) => part.PartNumber)).toEqual([1, 2]);
    expect(second.IsTruncated).toBe(false);
    expect(second.Parts).toEqual([
      expect.objectContaining({ PartNumber: 3, Size: 6, ETag: `"${md5(Buffer.from('part 3')).toString('hex')}"` }),
    ]);
  });

  it('are listed by key and time, over pages', async () => {
    const { client } = await startServer();
    const uploads: [string, string][] = [];
    for (const key of ['b', 'a', 'b', 'c/1']) {
      uploads.push([key, await createUpload(client, { Key: key })]);
    }

    const listed: unknown[] = [];
    let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (let isTruncated = true; isTruncated; ) {
      const page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucketName, MaxUploads: 1, ...marker }));
      listed.push(...(page.Uploads ?? []).map((upload) => [upload.Key, upload.UploadId]));
      marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      isTruncated = page.IsTruncated ?? false;
    }

    expect(listed).toEqual([uploads[1], uploads[0], uploads[2], uploads[3]]);
    const prefixed = await client.send(new ListMultipartUploadsCommand({ Bucket: bucketName, Prefix: 'c/' }));
    expect(prefixed.Uploads).toHaveLength(1);
  });

  it('take parts from other objects, ranges and conditions included', async () => {
    const { client } = await startServer();
    const source = someBytes(12 * mebibyte);
    const { ETag: etag } = await client.send(
      new PutObjectCommand({ Bucket: bucketName, Key: 'source ü', Body: source }),
    );
    const uploadId = await createUpload(client);
    const copy = { ...target, UploadId: uploadId, CopySource: `${bucketName}/source%20%C3%BC` };

    const copied = await Promise.all(
      ['bytes=1000-6000000', 'bytes=12-12'].map(async (range, index) => {
        const part = { ...copy, PartNumber: index + 1, CopySourceRange: range, CopySourceIfMatch: etag };
        const answer = await client.send(new UploadPartCopyCommand(part));
        return { ETag: answer.CopyPartResult?.ETag, PartNumber: index + 1 };
      }),
    );
    const refusal = client.send(new UploadPartCopyCommand({ ...copy, PartNumber: 3, CopySourceIfMatch: '"other"' }));
    await expect(refusal).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const outside = { ...copy, PartNumber: 3, CopySourceRange: `bytes=0-${source.length}` };
    await expect(client.send(new UploadPartCopyCommand(outside))).rejects.toMatchObject({ name: 'InvalidRange' });
    await client.send(completion(uploadId, copied));

    const expected = Buffer.concat([source.subarray(1000, 6_000_001), source.subarray(12, 13)]);
    expect((await getBytes(client)).equals(expected)).toBe(true);
  });

  it('take 10,000 parts in one completion', async () => {
    const { s3, client } = await startServer();
    const uploadId = await createUpload(client);
    const part = await uploadPart(client, uploadId, 10_000, 'last');
    const claim = (partNumber: number) =>
      `<Part><PartNumber>${partNumber}</PartNumber><ETag>${part.ETag?.replaceAll('"', '&quot;')}</ETag></Part>`;
    const claims = Array.from({ length: 10_000 }, (_, index) => claim(index + 1)).join('');

    const answer = await rawRequest(s3.url, {
      method: 'POST',
      path: `/drop/${encodeURIComponent(target.Key)}?uploadId=${uploadId}`,
      headers: { 'content-length': String(Buffer.byteLength(claims) + 51) },
      body: `<CompleteMultipartUpload>${claims}</CompleteMultipartUpload>`,
    });

    // The document was understood; it is only that the first part is missing.
    expect(answer.body).toContain('<Code>InvalidPart</Code>');
    expect(answer.body).toContain('part 1.');
  });

  it('refuse part numbers out of range', async () => {
    const { client } = await startServer();
    const uploadId = await createUpload(client);

    await expect(uploadPart(client, uploadId, 0, 'x')).rejects.toMatchObject({ name: 'InvalidArgument' });
    await expect(uploadPart(client, uploadId, 10_001, 'x')).rejects.toMatchObject({ name: 'InvalidArgument' });
  });
});

describe('checksums of multipart uploads', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
    '%s of the full object equal those of one put',
    async (algorithm) => {
      const { client } = await startServer();
      const body = someBytes(11 * mebibyte);
      const name = `Checksum${algorithm}` as const;
      const whole = await client.send(new PutObjectCommand({ ...target, Body: body, ChecksumAlgorithm: algorithm }));
      const options = { ChecksumAlgorithm: algorithm };
      const uploadId = await createUpload(client, { ...options, ChecksumType: 'FULL_OBJECT' });
      const parts = [
        await uploadPart(client, uploadId, 1, body.subarray(0, 6 * mebibyte), options),
        await uploadPart(client, uploadId, 2, body.subarray(6 * mebibyte), options),
      ];

      const wrong = completion(uploadId, parts, {
        [name]: whole[name]?.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
      });
      await expect(client.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' });
      const answer = await client.send(completion(uploadId, parts, { [name]: whole[name] }));

      expect(answer).toMatchObject({ [name]: whole[name], ChecksumType: 'FULL_OBJECT' });
      const read = await client.send(new GetObjectCommand({ ...target, ChecksumMode: 'ENABLED' }));
      expect(Buffer.from((await read.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    },
  );

  it('are composite by default, and then wanted for each part', async () => {
    const { client } = await startServer();
    const options = { ChecksumAlgorithm: 'SHA256' } as const;
    const uploadId = await createUpload(client, options);
    const part = await uploadPart(client, uploadId, 1, 'body', options);
    const digest = createHash('sha256').update(createHash('sha256').update('body').digest()).digest('base64');

    const bare = completion(uploadId, [{ ETag: part.ETag, PartNumber: 1 }]);
    await expect(client.send(bare)).rejects.toMatchObject({ name: 'InvalidRequest' });
    const answer = await client.send(completion(uploadId, [part]));

    expect(answer).toMatchObject({ ChecksumSHA256: `${digest}-1`, ChecksumType: 'COMPOSITE' });
  });

  it('must be named by the upload where the server is strict', async () => {
    const { client } = await startServer({ strictChecksums: true });
    const unnamed = await createUpload(client, { ChecksumAlgorithm: undefined });
    await expect(uploadPart(client, unnamed, 1, 'a')).rejects.toThrow('expected checksum Type: null');
    const named = await createUpload(client, { ChecksumAlgorithm: 'CRC32' });
    expect(await uploadPart(client, named, 1, 'a')).toMatchObject({ ChecksumCRC32: expect.any(String) });
  });

  it('must be of the kind that the upload was made for', async () => {
    const { client } = await startServer();
    const uploadId = await createUpload(client, { ChecksumAlgorithm: 'SHA256' });

    await expect(uploadPart(client, uploadId, 1, 'body', { ChecksumAlgorithm: 'CRC32' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    await expect(
      createUpload(client, { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' }),
    ).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  it('are computed for parts that come without one, and for copied ones', async () => {
    const { client } = await startServer();
    await client.send(new PutObjectCommand({ Bucket: bucketName, Key: 'source', Body: 'source' }));
    const uploadId = await createUpload(client, { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'FULL_OBJECT' });

    const answer = await client.send(
      new UploadPartCopyCommand({ ...target, UploadId: uploadId, PartNumber: 1, CopySource: `${bucketName}/source` }),
    );

    expect(answer.CopyPartResult?.ChecksumCRC64NVME).toBeTypeOf('string');
    await client.send(completion(uploadId, [{ PartNumber: 1, ETag: answer.CopyPartResult?.ETag }]));
    expect((await getBytes(client)).toString()).toBe('source');
  });
});
