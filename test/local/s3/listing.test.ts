import {
  DeleteObjectsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listKeys } from '../../../local/s3/list-objects.ts';
import { compareUtf8, SortedKeyMap } from '../../../local/s3/sorted-keys.ts';
import { bucketName, startServer } from './running-server.ts';

async function putAll(client: S3Client, keys: string[]): Promise<void> {
  const queue = keys.values();
  const workers = Array.from({ length: 8 }, async () => {
    for (const key of queue) {
      await client.send(new PutObjectCommand({ Bucket: bucketName, Key: key, Body: key }));
    }
  });
  await Promise.all(workers);
}

interface Listing {
  keys: string[];
  commonPrefixes: string[];
  pageSizes: number[];
}

async function listAll(client: S3Client, options: Partial<ListObjectsV2CommandInput> = {}): Promise<Listing> {
  const listing: Listing = { keys: [], commonPrefixes: [], pageSizes: [] };
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucketName, ...options, ContinuationToken: token }),
    );
    listing.keys.push(...(page.Contents ?? []).map((object) => object.Key ?? ''));
    listing.commonPrefixes.push(...(page.CommonPrefixes ?? []).map((entry) => entry.Prefix ?? ''));
    listing.pageSizes.push(page.KeyCount ?? -1);
    expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return listing;
}

describe('lists', () => {
  it('give 2,500 keys over pages, with and without a delimiter', async () => {
    const { client } = await startServer();
    const keys = Array.from({ length: 2500 }, (_, index) => `p/${String(index % 50).padStart(2, '0')}/${index}`).sort();
    await putAll(client, keys);
    const folders = [...new Set(keys.map((key) => key.slice(0, 5)))];

    expect(await listAll(client)).toEqual({ keys, commonPrefixes: [], pageSizes: [1000, 1000, 500] });
    expect(await listAll(client, { Prefix: 'p/', Delimiter: '/', MaxKeys: 20 })).toEqual({
      keys: [],
      commonPrefixes: folders,
      pageSizes: [20, 20, 10],
    });
    expect((await listAll(client, { MaxKeys: 5000 })).pageSizes).toEqual([1000, 1000, 500]);
    expect((await listAll(client, { MaxKeys: 999, EncodingType: 'url' })).keys.map(decodeURIComponent)).toEqual(keys);
    expect((await listAll(client, { Prefix: 'p/07/', StartAfter: 'p/07/57' })).keys).toEqual(
      keys.filter((key) => key.startsWith('p/07/') && key > 'p/07/57'),
    );

    const objects = keys.slice(0, 1000).map((key) => ({ Key: key }));
    await client.send(new DeleteObjectsCommand({ Bucket: bucketName, Delete: { Objects: objects, Quiet: true } }));
    expect((await listAll(client)).keys).toEqual(keys.slice(1000));
  });

  it('mix keys and common prefixes in order', async () => {
    const { client } = await startServer();
    await putAll(client, ['a', 'a/1', 'a/2', 'b', 'c/', 'c/d/e', 'd']);

    expect(await listAll(client, { Delimiter: '/', MaxKeys: 2 })).toEqual({
      keys: ['a', 'b', 'd'],
      commonPrefixes: ['a/', 'c/'],
      pageSizes: [2, 2, 1],
    });
    expect(await listAll(client, { Prefix: 'c/', Delimiter: '/' })).toMatchObject({
      keys: ['c/'],
      commonPrefixes: ['c/d/'],
    });
  });

  it('tell size, ETag and time', async () => {
    const { client } = await startServer();
    const { ETag: etag } = await client.send(new PutObjectCommand({ Bucket: bucketName, Key: 'k', Body: 'body' }));

    const { Contents: contents } = await client.send(new ListObjectsV2Command({ Bucket: bucketName }));

    expect(contents).toEqual([expect.objectContaining({ Key: 'k', Size: 4, ETag: etag, StorageClass: 'STANDARD' })]);
    expect(Math.abs(Date.now() - (contents?.[0]?.LastModified?.getTime() ?? 0))).toBeLessThan(5000);
  });

  it('see a put and a deletion at once', async () => {
    const { client } = await startServer();
    await putAll(client, ['b']);
    await listAll(client);

    await putAll(client, ['a', 'c']);
    expect((await listAll(client)).keys).toEqual(['a', 'b', 'c']);
    await client.send(new DeleteObjectsCommand({ Bucket: bucketName, Delete: { Objects: [{ Key: 'b' }] } }));
    await putAll(client, ['b', 'a']);

    expect((await listAll(client)).keys).toEqual(['a', 'b', 'c']);
  });

  it('work in version 1 too', async () => {
    const { client } = await startServer();
    await putAll(client, ['a/1', 'a/2', 'b', 'c']);
    const query = { Bucket: bucketName, Delimiter: '/', MaxKeys: 2 };

    const first = await client.send(new ListObjectsCommand(query));
    const second = await client.send(new ListObjectsCommand({ ...query, Marker: first.NextMarker }));

    expect(first).toMatchObject({ IsTruncated: true, NextMarker: 'b', CommonPrefixes: [{ Prefix: 'a/' }] });
    expect(second).toMatchObject({ IsTruncated: false, Contents: [{ Key: 'c' }] });
  });

  it('refuse nonsense', async () => {
    const { client } = await startServer();
    const list = (options: object) => client.send(new ListObjectsV2Command({ Bucket: bucketName, ...options }));

    await expect(list({ ContinuationToken: 'made up' })).rejects.toMatchObject({ name: 'InvalidArgument' });
    await expect(list({ MaxKeys: -1 })).rejects.toMatchObject({ name: 'InvalidArgument' });
    await expect(list({ Bucket: 'missing' })).rejects.toMatchObject({ name: 'NoSuchBucket' });
    expect(await list({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });
});

describe('the key index', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '😀', '\uffee'), maxLength: 5 });

  it('orders keys as their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (left, right) => {
        expect(Math.sign(compareUtf8(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      }),
    );
    expect(compareUtf8('\uffee', '😀')).toBeLessThan(0);
  });

  it('keeps up with puts and deletions', () => {
    const change = fc.record({ kind: fc.constantFrom('set', 'delete', 'list'), key });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const index = new SortedKeyMap<true>();
        const model = new Set<string>();
        for (const { kind, key: changed } of changes) {
          if (kind === 'set') {
            index.set(changed, true);
            model.add(changed);
          } else if (kind === 'delete') {
            index.delete(changed);
            model.delete(changed);
          } else {
            expect(index.sortedKeys()).toEqual([...model].sort(compareUtf8));
          }
        }
        expect(index.sortedKeys()).toEqual([...model].sort(compareUtf8));
      }),
    );
  });

  it('rolls up and pages as a plain reading of the rules does', () => {
    const query = fc.record({
      prefix: fc.string({ unit: fc.constantFrom('a', '/'), maxLength: 2 }),
      delimiter: fc.constantFrom('', '/', 'a/'),
      limit: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 30 }), query, (unsorted, { prefix, delimiter, limit }) => {
        const keys = unsorted.sort(compareUtf8);
        const expected = new Set<string>();
        for (const name of keys.filter((candidate) => candidate !== '' && candidate.startsWith(prefix))) {
          const end = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
          expected.add(end < 0 ? name : name.slice(0, end + delimiter.length));
        }

        const listed: string[] = [];
        const present = keys.filter((name) => name !== '');
        for (let isTruncated = true; isTruncated; ) {
          const page = listKeys(present, { prefix, delimiter, limit, after: listed.at(-1) ?? '' });
          listed.push(...page.entries.map(({ name }) => name));
          isTruncated = page.isTruncated;
        }

        expect(listed).toEqual([...expected]);
      }),
    );
  });
});
