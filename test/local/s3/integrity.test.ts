import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import {
  ChecksumAlgorithm,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { bodyFiles, bucketName, eventually, rawRequest, someBytes, startServer } from './running-server.ts';

const target = { Bucket: bucketName, Key: 'key' };
const algorithms = [
  ChecksumAlgorithm.CRC32,
  ChecksumAlgorithm.CRC32C,
  ChecksumAlgorithm.CRC64NVME,
  ChecksumAlgorithm.SHA1,
  ChecksumAlgorithm.SHA256,
];

function chunked(pieces: string[], signature = ''): string {
  return pieces.map((piece) => `${Buffer.byteLength(piece).toString(16)}${signature}\r\n${piece}\r\n`).join('');
}

function streamingHeaders(payload: string, decodedLength: number, trailer?: string): Record<string, string> {
  return {
    'x-amz-content-sha256': payload,
    'x-amz-decoded-content-length': String(decodedLength),
    'content-encoding': 'aws-chunked',
    ...(trailer === undefined ? {} : { 'x-amz-trailer': trailer }),
  };
}

describe('checksums', () => {
  it.each(algorithms)('of kind %s are verified, kept and returned', async (algorithm) => {
    const { client } = await startServer();
    const body = someBytes(200_000);
    const name = `Checksum${algorithm}` as const;

    const answer = await client.send(new PutObjectCommand({ ...target, Body: body, ChecksumAlgorithm: algorithm }));
    const head = await client.send(new HeadObjectCommand({ ...target, ChecksumMode: 'ENABLED' }));
    // The SDK holds the body against the checksum that it gets.
    const read = await client.send(new GetObjectCommand({ ...target, ChecksumMode: 'ENABLED' }));

    expect(answer[name]).toBeTypeOf('string');
    expect(head).toMatchObject({ [name]: answer[name], ChecksumType: 'FULL_OBJECT' });
    expect(Buffer.from((await read.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  });

  it.each(algorithms)('of kind %s come as trailers of a stream', async (algorithm) => {
    const { client } = await startServer();
    const body = someBytes(200_000);

    const whole = await client.send(new PutObjectCommand({ ...target, Body: body, ChecksumAlgorithm: algorithm }));
    const streamed = await client.send(
      new PutObjectCommand({
        ...target,
        Body: Readable.from([body.subarray(0, 100_000), body.subarray(100_000)]),
        ContentLength: body.length,
        ChecksumAlgorithm: algorithm,
      }),
    );

    const name = `Checksum${algorithm}` as const;
    expect(streamed[name]).toBe(whole[name]);
  });

  it.each([
    ['ChecksumCRC32', 'AAAAAA=='],
    ['ChecksumCRC32C', 'AAAAAA=='],
    ['ChecksumCRC64NVME', 'AAAAAAAAAAA='],
    ['ChecksumSHA1', createHash('sha1').digest('base64')],
    ['ChecksumSHA256', createHash('sha256').digest('base64')],
    ['ContentMD5', createHash('md5').digest('base64')],
  ])('that do not match are refused: %s', async (name, value) => {
    const { client, dataDir } = await startServer();

    await expect(client.send(new PutObjectCommand({ ...target, Body: 'body', [name]: value }))).rejects.toMatchObject({
      name: 'BadDigest',
      $metadata: { httpStatusCode: 400 },
    });

    await expect(client.send(new HeadObjectCommand(target))).rejects.toMatchObject({ name: 'NotFound' });
    await eventually(async () => (await bodyFiles(dataDir)).length === 0);
  });

  it('are held against the SHA-256 of a signed body', async () => {
    const { s3 } = await startServer();
    const headers = { 'x-amz-content-sha256': createHash('sha256').update('body').digest('hex') };

    const right = await rawRequest(s3.url, { method: 'PUT', path: '/drop/right', headers, body: 'body' });
    const wrong = await rawRequest(s3.url, { method: 'PUT', path: '/drop/wrong', headers, body: 'bodY' });

    expect(right.status).toBe(200);
    expect(wrong).toMatchObject({ status: 400, body: expect.stringContaining('XAmzContentSHA256Mismatch') });
  });

  it('are not given for a part of the object', async () => {
    const { client } = await startServer();
    await client.send(new PutObjectCommand({ ...target, Body: 'body' }));

    const answer = await client.send(new GetObjectCommand({ ...target, Range: 'bytes=1-2', ChecksumMode: 'ENABLED' }));

    expect(answer.ChecksumCRC32).toBeUndefined();
    expect(await answer.Body?.transformToString()).toBe('od');
  });
});

describe('aws-chunked bodies', () => {
  const signature = `;chunk-signature=${'0'.repeat(64)}`;
  // CRC-32 of "hello world".
  const crc32 = 'DUoRhQ==';

  it.each([
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', signature, undefined, ''],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', '', 'x-amz-checksum-crc32', `x-amz-checksum-crc32:${crc32}\r\n`],
    [
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      signature,
      'x-amz-checksum-crc32',
      `x-amz-checksum-crc32:${crc32}\r\nx-amz-trailer-signature:${'0'.repeat(64)}\r\n`,
    ],
  ])('of kind %s are unwrapped', async (payload, chunkSignature, trailer, trailers) => {
    const { s3, client } = await startServer();
    const body = `${chunked(['hello', ' ', 'world'], chunkSignature)}0${chunkSignature}\r\n${trailers}\r\n`;

    const headers = streamingHeaders(payload, 11, trailer);
    const answer = await rawRequest(s3.url, { method: 'PUT', path: '/drop/key', headers, body });

    expect(answer).toMatchObject({ status: 200, body: '' });
    const read = await client.send(new GetObjectCommand(target));
    expect(await read.Body?.transformToString()).toBe('hello world');
    expect(read.ContentEncoding).toBeUndefined();
  });

  it.each([
    ['a wrong trailer', `${chunked(['hello world'])}0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`, 'BadDigest'],
    ['no trailer', `${chunked(['hello world'])}0\r\n\r\n`, 'IncompleteBody'],
    ['an early end', 'b\r\nhello', 'IncompleteBody'],
    ['no last chunk', chunked(['hello world']), 'IncompleteBody'],
    ['a missing chunk', `${chunked(['hello'])}0\r\nx-amz-checksum-crc32:${crc32}\r\n\r\n`, 'IncompleteBody'],
    ['too much', `${chunked(['hello world', '!'])}0\r\nx-amz-checksum-crc32:${crc32}\r\n\r\n`, 'IncompleteBody'],
    ['no framing at all', 'hello world', 'IncompleteBody'],
    ['a line without end', 'b;'.padEnd(100_000, 'x'), 'IncompleteBody'],
  ])('with %s are refused', async (_, body, code) => {
    const { s3, dataDir } = await startServer();

    const headers = streamingHeaders('STREAMING-UNSIGNED-PAYLOAD-TRAILER', 11, 'x-amz-checksum-crc32');
    const answer = await rawRequest(s3.url, { method: 'PUT', path: '/drop/key', headers, body });

    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining(`<Code>${code}</Code>`) });
    await eventually(async () => (await bodyFiles(dataDir)).length === 0);
  });

  it('that break in the middle of much data are answered all the same', async () => {
    const { s3 } = await startServer();
    const body = Buffer.concat([Buffer.from('5\r\nhello\r\nnonsense\r\n'), someBytes(30_000_000)]);

    const headers = streamingHeaders('STREAMING-UNSIGNED-PAYLOAD-TRAILER', body.length);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answer = await rawRequest(s3.url, { method: 'PUT', path: '/drop/key', headers, body, agent });
    // Waits for the one connection, which is free once the rest of the body has been taken off it.
    const next = await rawRequest(s3.url, { method: 'GET', path: '/drop/key', agent });
    agent.destroy();

    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('IncompleteBody') });
    expect(next.status).toBe(404);
  });
});

describe('incomplete uploads', () => {
  it('leave nothing when the client goes away', async () => {
    const { s3, client, dataDir } = await startServer();
    const socket = connect(Number(new URL(s3.url).port), '127.0.0.1');
    socket.write(
      'PUT /drop/key HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4\r\nContent-Length: 1000000\r\n\r\n' +
        'x'.repeat(1000),
    );
    await eventually(async () => (await bodyFiles(dataDir)).length === 1);

    socket.destroy();

    await eventually(async () => (await bodyFiles(dataDir)).length === 0);
    const list = await client.send(new ListObjectsV2Command({ Bucket: bucketName }));
    expect(list.KeyCount).toBe(0);
  });

  it('of undeclared length are refused, as S3 does', async () => {
    const { s3 } = await startServer();

    const answer = await rawRequest(s3.url, {
      method: 'PUT',
      path: '/drop/key',
      headers: { 'transfer-encoding': 'chunked' },
      body: 'body',
    });

    expect(answer).toMatchObject({ status: 411, body: expect.stringContaining('MissingContentLength') });
  });
});
