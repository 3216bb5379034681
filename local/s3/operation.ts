import { S3Error } from './errors.ts';

interface Route {
  operation: string;
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  scope: 'service' | 'bucket' | 'object';
  /** Query parameters that tell this operation from others. */
  marks: readonly string[];
  /** Further query parameters that it understands. */
  parameters: readonly string[];
  /** Whether it is told by the header x-amz-copy-source. */
  isCopy?: true;
}

const listParameters = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];
const answerOverrides = [
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
];

/** The documented subset; the first route that fits wins. */
const routes = [
  { operation: 'ListBuckets', method: 'GET', scope: 'service', marks: [], parameters: [] },
  {
    operation: 'ListObjectsV2',
    method: 'GET',
    scope: 'bucket',
    marks: ['list-type'],
    parameters: [...listParameters, 'start-after', 'continuation-token', 'fetch-owner'],
  },
  { operation: 'GetBucketLocation', method: 'GET', scope: 'bucket', marks: ['location'], parameters: [] },
  {
    operation: 'ListMultipartUploads',
    method: 'GET',
    scope: 'bucket',
    marks: ['uploads'],
    parameters: ['prefix', 'key-marker', 'upload-id-marker', 'max-uploads', 'encoding-type'],
  },
  { operation: 'ListObjects', method: 'GET', scope: 'bucket', marks: [], parameters: [...listParameters, 'marker'] },
  { operation: 'HeadBucket', method: 'HEAD', scope: 'bucket', marks: [], parameters: [] },
  { operation: 'CreateBucket', method: 'PUT', scope: 'bucket', marks: [], parameters: [] },
  { operation: 'DeleteObjects', method: 'POST', scope: 'bucket', marks: ['delete'], parameters: [] },
  {
    operation: 'ListParts',
    method: 'GET',
    scope: 'object',
    marks: ['uploadId'],
    parameters: ['max-parts', 'part-number-marker', 'encoding-type'],
  },
  { operation: 'GetObject', method: 'GET', scope: 'object', marks: [], parameters: answerOverrides },
  { operation: 'HeadObject', method: 'HEAD', scope: 'object', marks: [], parameters: answerOverrides },
  {
    operation: 'UploadPartCopy',
    method: 'PUT',
    scope: 'object',
    marks: ['uploadId', 'partNumber'],
    parameters: [],
    isCopy: true,
  },
  { operation: 'UploadPart', method: 'PUT', scope: 'object', marks: ['uploadId', 'partNumber'], parameters: [] },
  { operation: 'CopyObject', method: 'PUT', scope: 'object', marks: [], parameters: [], isCopy: true },
  { operation: 'PutObject', method: 'PUT', scope: 'object', marks: [], parameters: [] },
  { operation: 'CreateMultipartUpload', method: 'POST', scope: 'object', marks: ['uploads'], parameters: [] },
  { operation: 'CompleteMultipartUpload', method: 'POST', scope: 'object', marks: ['uploadId'], parameters: [] },
  { operation: 'AbortMultipartUpload', method: 'DELETE', scope: 'object', marks: ['uploadId'], parameters: [] },
  { operation: 'DeleteObject', method: 'DELETE', scope: 'object', marks: [], parameters: [] },
] as const satisfies readonly Route[];

export type S3Operation = (typeof routes)[number]['operation'];

/** What an S3 operation is told by. */
interface RequestShape {
  method: string;
  bucket: string;
  key: string;
  query: URLSearchParams;
  isCopy: boolean;
}

/** @throws S3Error NotImplemented for everything outside the subset, unknown query parameters included. */
export function identifyOperation(shape: RequestShape): S3Operation {
  const route = routes.find((candidate) => fits(candidate, shape));
  if (route === undefined) {
    throw new S3Error(
      'NotImplemented',
      `${shape.method} ${scopeOf(shape)} with the query "${[...shape.query.keys()].join('&')}" is not part of the local subset of S3.`,
    );
  }
  return route.operation;
}

function fits(route: Route, shape: RequestShape): boolean {
  const understood = [...route.marks, ...route.parameters];
  return (
    route.method === shape.method &&
    route.scope === scopeOf(shape) &&
    (route.isCopy ?? false) === shape.isCopy &&
    route.marks.every((mark) => shape.query.has(mark)) &&
    shape.query.keys().every((name) => understood.includes(name) || isAboutTheRequest(name))
  );
}

function scopeOf(shape: RequestShape): Route['scope'] {
  if (shape.bucket === '') {
    return 'service';
  }
  return shape.key === '' ? 'bucket' : 'object';
}

/** Signatures (of version 4 and of the older version 2) and the SDK's own note `x-id`. */
function isAboutTheRequest(parameter: string): boolean {
  return /^x-/i.test(parameter) || ['AWSAccessKeyId', 'Signature', 'Expires'].includes(parameter);
}
