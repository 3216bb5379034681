/**
 * A small S3 server for one machine, so that the same code runs against the real SDK without AWS.
 *
 * The subset:
 * - buckets: ListBuckets, CreateBucket (idempotent), HeadBucket, GetBucketLocation;
 * - objects: PutObject, GetObject, HeadObject, DeleteObject, DeleteObjects, CopyObject, ListObjectsV2, ListObjects;
 * - multipart: CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload (may be repeated),
 *   AbortMultipartUpload, ListParts, ListMultipartUploads (without a delimiter);
 * - conditions: If-Match, If-None-Match, If-(Un)Modified-Since on reads and copy sources; If-Match and
 *   If-None-Match: * on PutObject, CopyObject and CompleteMultipartUpload; If-Match on DeleteObject;
 * - integrity: aws-chunked bodies, signed or not, with or without trailers; CRC32, CRC32C, CRC64NVME, SHA1 and SHA256
 *   checksums, Content-MD5 and x-amz-content-sha256 are verified; S3's limits on sizes, keys and parts hold;
 * - presigned URLs of signature versions 4 and 2, with their expiry and response-* overrides;
 * - EventBridge events "Object Created", delivered at least once.
 *
 * Where it differs: signatures are not verified, any credentials will do unless there are permissions; no versions, tags, ACLs, policies, lifecycle,
 * object lock or customer keys (501 NotImplemented); storage classes and encryption at rest are accepted and dropped;
 * an object uploaded without a checksum gets none. Writes survive a killed process, not a power failure. The data folder
 * must belong to one server at a time; it does not lock it.
 */
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';
import type { Permissions } from '../permissions.ts';
import { BodyStore } from './body-store.ts';
import { S3Catalog } from './catalog.ts';
import { S3Error } from './errors.ts';
import { EventDelivery } from './event-delivery.ts';
import { newRequestId, sendAnswer, sendError, understandRequest } from './http-exchange.ts';
import type { ObjectCreatedEvent } from './object-created-event.ts';
import { ObjectStore } from './object-store.ts';
import { assertBucketName } from './operations/bucket-operations.ts';
import { permittedAnswer } from './permitted-answer.ts';
import type { S3Request } from './s3-request.ts';

export type { ObjectCreatedEvent } from './object-created-event.ts';

/** What a test makes of a request: slow-down is 503 SlowDown, internal-error 500, cut ends the connection. */
export type Fault = 'pass' | 'slow-down' | 'internal-error' | 'cut';

export interface LocalS3Options {
  /** Made if missing. */
  dataDir: string;
  /** 0, the default, takes a free one. */
  port?: number;
  /** Made if missing. */
  buckets: string[];
  /**
   * Called at least once for each object created, events of an earlier run included; a rejection is tried again.
   * An event counts as pending until this resolves, so it must not wait for ever: 16 such calls hold up all others.
   */
  onObjectCreated?: (event: ObjectCreatedEvent) => Promise<void>;
  /** Only keys under it raise events. */
  notifyPrefix?: string;
  /** Whose calls are allowed; all are where it is absent. */
  permissions?: Permissions | undefined;
  /**
   * Refuses a part's checksum where its upload named no algorithm, as S3 did until late 2024. Clients that pass here pass everywhere.
   */
  strictChecksums?: boolean;
  /** Test hook, asked once a request has been understood and before it has any effect. */
  faults?: { beforeRequest?: (operation: string, bucket: string, key: string) => Fault };
}

export interface LocalS3 {
  /** http://127.0.0.1:PORT, to be used with path-style addresses. */
  url: string;
  /** Gives requests and event handlers in flight two seconds to end. */
  close(): Promise<void>;
}

const closingGraceMilliseconds = 2_000;
/** Longer than clients keep idle connections, so that none picks one up just as it closes. */
const keepAliveMilliseconds = 75_000;

/** Opens the data folder, delivers pending events and listens on 127.0.0.1. */
export async function startLocalS3(options: LocalS3Options): Promise<LocalS3> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const catalog = await S3Catalog.open(path.join(options.dataDir, 'commits.jsonl'));
  const committedFiles = catalog.committedFiles();
  const bodies = await BodyStore.open(path.join(options.dataDir, 'bodies'), (file) => committedFiles.has(file));
  const delivery = startDelivery(catalog, options.onObjectCreated);
  const store = new ObjectStore({
    catalog,
    bodies,
    strictChecksums: options.strictChecksums ?? false,
    raisesEvent: (key) => delivery !== undefined && key.startsWith(options.notifyPrefix ?? ''),
    onEvent: (event) => delivery?.enqueue(event),
  });
  for (const bucket of options.buckets) {
    assertBucketName(bucket);
    store.createBucket(bucket);
  }
  const exchanges = new Set<Promise<void>>();
  const server = createServer((incoming, outgoing) => {
    const exchange = serve(store, options, incoming, outgoing).finally(() => exchanges.delete(exchange));
    exchanges.add(exchange);
  });
  // A body of several gigabytes takes longer than Node's default of five minutes.
  server.requestTimeout = 0;
  server.keepAliveTimeout = keepAliveMilliseconds;
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const deliveriesEnded = delivery?.close();
      await closeConnections(server, exchanges);
      await settledInTime(deliveriesEnded);
      catalog.close();
    },
  };
}

function startDelivery(catalog: S3Catalog, deliver: LocalS3Options['onObjectCreated']): EventDelivery | undefined {
  if (deliver === undefined) {
    return undefined;
  }
  const delivery = new EventDelivery({
    deliver,
    onDelivered: ({ id }) => catalog.commit({ type: 'event-delivered', id }),
  });
  for (const event of catalog.pendingEvents.values()) {
    delivery.enqueue(event);
  }
  return delivery;
}

async function serve(
  store: ObjectStore,
  options: LocalS3Options,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const requestId = newRequestId();
  try {
    const request = understandRequest(incoming, requestId);
    if (injectFault(options, request) === 'cut') {
      incoming.destroy();
      return;
    }
    await sendAnswer(outgoing, await permittedAnswer(store, request, options.permissions), requestId);
  } catch (error) {
    await sendError(outgoing, incoming, requestId, error);
  }
}

function injectFault(options: LocalS3Options, request: S3Request): 'pass' | 'cut' {
  const fault = options.faults?.beforeRequest?.(request.operation, request.bucket, request.key) ?? 'pass';
  switch (fault) {
    case 'pass':
    case 'cut':
      return fault;
    case 'slow-down':
      throw new S3Error('SlowDown', 'Please reduce your request rate.');
    case 'internal-error':
      throw new S3Error('InternalError', 'We encountered an internal error. Please try again.');
  }
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Lets the requests in flight end, then breaks off those that have not. */
async function closeConnections(server: Server, exchanges: Set<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await settledInTime(Promise.all(exchanges));
  server.closeAllConnections();
  await settledInTime(Promise.all([...exchanges, closed]));
}

async function settledInTime(work: Promise<unknown> | undefined): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, closingGraceMilliseconds);
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
