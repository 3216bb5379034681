import type { IncomingMessage } from 'node:http';
import { identifyOperation } from '../../local/s3/operation.ts';
import { parseRequestAddress } from '../../local/s3/request-address.ts';

export type AwsService = 's3' | 'dynamodb' | 'stepFunctions' | 'eventBridge';

/** A request to AWS, by its own names. */
export interface AwsCall {
  service: AwsService;
  /** Such as `PutItem` or `UploadPart`. */
  operation: string;
  isWrite: boolean;
  body: Buffer;
}

const serviceOfTarget: Record<string, AwsService> = {
  DynamoDB_20120810: 'dynamodb',
  AWSStepFunctions: 'stepFunctions',
  AWSEvents: 'eventBridge',
};

const reads = /^(Get|Head|List|Query|Scan|Describe|BatchGet|TransactGet)/;

/** Reads off a request what it asks for: the JSON services say it in a header, S3 by path and method. */
export function callOf(request: IncomingMessage, body: Buffer): AwsCall {
  const target = request.headers['x-amz-target'];
  const [prefix = '', operation = ''] = typeof target === 'string' ? target.split('.') : [];
  const service = serviceOfTarget[prefix] ?? 's3';
  const name = service === 's3' ? s3Operation(request) : operation;
  return { service, operation: name, isWrite: !reads.test(name), body };
}

function s3Operation(request: IncomingMessage): string {
  const { bucket, key, query } = parseRequestAddress(request.url ?? '/', request.headers.host ?? '127.0.0.1');
  const isCopy = 'x-amz-copy-source' in request.headers;
  return identifyOperation({ method: request.method ?? 'GET', bucket, key, query, isCopy });
}
