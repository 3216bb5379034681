import { z } from 'zod';
import { S3Error } from '../errors.ts';
import { type KeyPage, listKeys } from '../list-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import { numberParameter, type S3Answer, type S3Request, xmlAnswer } from '../s3-request.ts';
import { element, textElement, xmlDocument } from '../xml.ts';

const maxKeysPerPage = 1000;

interface ListRequest {
  prefix: string;
  delimiter: string;
  maxKeys: number;
  encode: (text: string) => string;
}

export function listObjectsV2(store: ObjectStore, request: S3Request): S3Answer {
  const list = parseListRequest(request.query);
  const startAfter = request.query.get('start-after') ?? '';
  const token = request.query.get('continuation-token');
  const after = token === null ? startAfter : decodeToken(token);
  const page = listPage(store, request, list, after);
  const last = page.entries.at(-1)?.name;
  return xmlAnswer(
    xmlDocument(
      'ListBucketResult',
      ...echoedParameters(request, list),
      textElement('KeyCount', page.entries.length),
      textElement('IsTruncated', page.isTruncated),
      textElement('ContinuationToken', token ?? undefined),
      textElement('NextContinuationToken', page.isTruncated && last !== undefined ? encodeToken(last) : undefined),
      textElement('StartAfter', startAfter === '' ? undefined : list.encode(startAfter)),
      ...pageElements(store, request, list, page),
    ),
  );
}

export function listObjects(store: ObjectStore, request: S3Request): S3Answer {
  const list = parseListRequest(request.query);
  const marker = request.query.get('marker') ?? '';
  const page = listPage(store, request, list, marker);
  const last = page.entries.at(-1)?.name;
  return xmlAnswer(
    xmlDocument(
      'ListBucketResult',
      ...echoedParameters(request, list),
      textElement('Marker', list.encode(marker)),
      textElement('IsTruncated', page.isTruncated),
      textElement('NextMarker', page.isTruncated && last !== undefined ? list.encode(last) : undefined),
      ...pageElements(store, request, list, page),
    ),
  );
}

/**
 * How to write a key into a list.
 *
 * @returns percent-encoding, slashes excepted, when the client asks for it.
 * @throws S3Error InvalidArgument
 */
export function parseEncoding(query: URLSearchParams): (text: string) => string {
  const encodingType = query.get('encoding-type');
  if (encodingType === null) {
    return (text) => text;
  }
  if (encodingType !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request');
  }
  return (text) => encodeURIComponent(text).replaceAll('%2F', '/');
}

function parseListRequest(query: URLSearchParams): ListRequest {
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: numberParameter(query, 'max-keys', { min: 0, max: maxKeysPerPage, fallback: maxKeysPerPage }),
    encode: parseEncoding(query),
  };
}

function listPage(store: ObjectStore, request: S3Request, list: ListRequest, after: string): KeyPage {
  const keys = store.bucket(request.bucket).objects.sortedKeys();
  return listKeys(keys, { prefix: list.prefix, delimiter: list.delimiter, after, limit: list.maxKeys });
}

function echoedParameters(request: S3Request, list: ListRequest): string[] {
  return [
    textElement('Name', request.bucket),
    textElement('Prefix', list.encode(list.prefix)),
    textElement('Delimiter', list.delimiter === '' ? undefined : list.encode(list.delimiter)),
    textElement('MaxKeys', list.maxKeys),
    textElement('EncodingType', request.query.get('encoding-type') ?? undefined),
  ];
}

function pageElements(store: ObjectStore, request: S3Request, list: ListRequest, page: KeyPage): string[] {
  return page.entries.map(({ kind, name }) => {
    if (kind === 'common-prefix') {
      return element('CommonPrefixes', textElement('Prefix', list.encode(name)));
    }
    const object = store.object(request.bucket, name);
    return element(
      'Contents',
      textElement('Key', list.encode(name)),
      textElement('LastModified', new Date(object.lastModified).toISOString()),
      textElement('ETag', `"${object.etag}"`),
      textElement('ChecksumAlgorithm', object.checksum?.algorithm),
      textElement('ChecksumType', object.checksum?.type),
      textElement('Size', object.size),
      textElement('StorageClass', 'STANDARD'),
    );
  });
}

/** A token is the name of the last entry, in a form that nobody takes for one. */
function encodeToken(name: string): string {
  return Buffer.from(JSON.stringify([name])).toString('base64url');
}

function decodeToken(token: string): string {
  try {
    const [name] = z.tuple([z.string()]).parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
    return name;
  } catch (cause) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', { cause });
  }
}
