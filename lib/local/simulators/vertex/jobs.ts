import { linkSync } from 'node:fs';
import { z } from 'zod';
import type { BatchLedger } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { strikeCall } from '../call-faults.ts';
import type { FaultBook, FaultSubject } from '../fault-book.ts';
import { errorReply } from '../google/error-reply.ts';
import { inputSubject } from '../google/stored-line.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { parseJson } from '../json.ts';
import type { FileShelf } from '../openai/file-shelf.ts';
import type { Timing } from '../simulator.ts';
import { uniqueHex } from '../unique-id.ts';
import { modelOf } from './batch-work.ts';
import { objectId } from './objects.ts';
import { jobName, outputDirectory, wireJob } from './wire-job.ts';

const maxCreateBytes = 1024 * 1024;
const maxPageSize = 100;
const endpoint = '/v1/chat/completions';

const gcsUri = z.string().regex(/^gs:\/\/[a-z0-9][a-z0-9._-]+\/.+$/, 'not a Cloud Storage URI');
const label = z.string().regex(/^[a-z0-9_-]{0,63}$/, 'not a label');

const createSchema = z.strictObject({
  displayName: z.string().min(1).max(128),
  model: z
    .string()
    .regex(/^publishers\/(google\/models\/gemini-|anthropic\/models\/claude-)[a-z0-9.@-]+$/, 'Model not found'),
  inputConfig: z.strictObject({
    instancesFormat: z.literal('jsonl'),
    gcsSource: z.strictObject({ uris: z.array(gcsUri).length(1) }),
  }),
  outputConfig: z.strictObject({
    predictionsFormat: z.literal('jsonl'),
    gcsDestination: z.strictObject({ outputUriPrefix: gcsUri }),
  }),
  labels: z.record(label, label).default({}),
});

/** What the routes of jobs need of the rest of the simulator. */
export interface JobSurroundings {
  ledger: BatchLedger;
  shelf: FileShelf;
  book: FaultBook;
  timing: Timing;
}

const jobs = '/v1/projects/:project/locations/:location/batchPredictionJobs';

export function jobRoutes(here: JobSurroundings): Route[] {
  return [
    { method: 'POST', path: jobs, answer: (exchange) => createJob(here, exchange) },
    { method: 'GET', path: jobs, answer: (exchange) => listJobs(here, exchange) },
    { method: 'GET', path: `${jobs}/:job`, answer: (exchange) => retrieveJob(here, exchange) },
    { method: 'POST', path: `${jobs}/:job`, answer: (exchange) => cancelJob(here, exchange) },
  ];
}

async function createJob(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  const body = await readBody(exchange.request, maxCreateBytes, errorReply(400));
  const parsed = createSchema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success) throw new RefusedCall(errorReply(400, z.prettifyError(parsed.error)));
  const { displayName, labels, inputConfig, outputConfig, model: modelName } = parsed.data;
  const model = modelName.replace(/^.*\//, '');
  const uri = inputConfig.gcsSource.uris[0] ?? '';
  const inputPath = here.shelf.find(objectIdOf(uri))?.contentPath;
  const subject =
    inputPath === undefined ? { endpoint, lines: noLines } : inputSubject(endpoint, inputPath, 'custom_id', model);
  await strikeCall(here.book, exchange, 'create', subject, errorReply);
  if (inputPath === undefined) throw new RefusedCall(errorReply(400, `No object at ${uri}.`));
  if (await here.book.takeTokenLimit(subject)) throw new RefusedCall(errorReply(429));
  const { project, location } = exchange.params;
  const record = here.ledger.accept(
    {
      id: BigInt(`0x${uniqueHex('', 14)}`).toString(),
      createdAtMs: Date.now(),
      endpoint,
      timing: here.timing,
      faults: await here.book.takeBatchFaults(subject),
      cancelRequestedAtMs: null,
      deletedAtMs: null,
      inputFileId: uri,
      metadata: {
        parent: `projects/${project}/locations/${location}`,
        model,
        modelName,
        displayName,
        labels: JSON.stringify(labels),
        outputUriPrefix: outputConfig.gcsDestination.outputUriPrefix,
      },
      outputExpiresAfterSeconds: null,
      apiVersion: null,
      requestCount: null,
    },
    (path) => linkSync(inputPath, path),
  );
  return ok(wireJob({ record, planned: null, sums: null }, record.createdAtMs));
}

async function* noLines(): AsyncGenerator<never> {}

function objectIdOf(uri: string): string {
  const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  return objectId(bucket, name);
}

async function listJobs(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  await strikeCall(here.book, exchange, 'list', null, errorReply);
  const query = exchange.url.searchParams;
  const size = Math.min(Number(query.get('pageSize') ?? 50), maxPageSize);
  const start = Number(query.get('pageToken') ?? 0);
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(start)) throw new RefusedCall(errorReply(400));
  const sinceMs = sinceOf(query.get('filter'));
  const listed = here.ledger
    .newestFirst()
    .filter(
      (record) =>
        jobName(record).startsWith(parentOf(exchange)) && record.createdAtMs >= sinceMs && !isHidden(record, true),
    );
  const page = await Promise.all(listed.slice(start, start + size).map((record) => jobOf(here, record)));
  const isMore = start + size < listed.length;
  return ok({
    ...(page.length > 0 && { batchPredictionJobs: page }),
    ...(isMore && { nextPageToken: String(start + size) }),
  });
}

/** Of the filters there are, the one that we use. */
function sinceOf(filter: string | null): number {
  if (filter === null) return 0;
  const time = /^create_time>="([^"]+)"$/.exec(filter)?.[1];
  if (time === undefined || Number.isNaN(Date.parse(time))) throw new RefusedCall(errorReply(400, 'Invalid filter.'));
  return Date.parse(time);
}

async function retrieveJob(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findJob(here, exchange, exchange.params.job ?? '');
  await strikeCall(here.book, exchange, 'retrieve', subjectOf(here.ledger, record), errorReply);
  if (isHidden(record, false)) throw new RefusedCall(errorReply(404));
  return ok(await jobOf(here, record));
}

async function cancelJob(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  const [id = '', method] = (exchange.params.job ?? '').split(':');
  if (method !== 'cancel') throw new RefusedCall(errorReply(404));
  const record = findJob(here, exchange, id);
  await strikeCall(here.book, exchange, 'cancel', subjectOf(here.ledger, record), errorReply);
  if ((await here.ledger.endedAtMs(record)) !== null)
    throw new RefusedCall(errorReply(400, 'The job has ended and cannot be cancelled.'));
  here.ledger.requestCancel(record.id);
  return ok({});
}

/** The job as it is now; its results are put into the bucket before their directory is shown. */
async function jobOf(here: JobSurroundings, record: BatchRecord): Promise<object> {
  const view = await here.ledger.view(record);
  const uri = `${outputDirectory(record)}/predictions.jsonl`;
  const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  if (view.sums && view.sums.outputBytes !== null && !here.shelf.has(objectIdOf(uri))) {
    here.shelf.putResult({
      id: objectIdOf(uri),
      bytes: view.sums.outputBytes,
      createdAtMs: Date.now(),
      expiresAtMs: null,
      fileName: name,
      purpose: bucket,
      contentPath: here.ledger.paths(record.id).output,
      batchId: record.id,
    });
  }
  return wireJob(view, Date.now());
}

function isHidden(record: BatchRecord, fromLists: boolean): boolean {
  const fault = faultOf(record, 'not_found_yet');
  if (fault === undefined || (fromLists && fault.unlisted !== true)) return false;
  return Date.now() < record.createdAtMs + fault.durationMs;
}

function parentOf({ params }: Exchange): string {
  return `projects/${params.project}/locations/${params.location}/`;
}

function findJob(here: JobSurroundings, exchange: Exchange, id: string): BatchRecord {
  const record = here.ledger.find(id);
  if (record === undefined || !jobName(record).startsWith(parentOf(exchange))) throw new RefusedCall(errorReply(404));
  return record;
}

export function subjectOf(ledger: BatchLedger, record: BatchRecord): FaultSubject {
  return inputSubject(record.endpoint, ledger.paths(record.id).input, 'custom_id', modelOf(record));
}

function ok(body: object): JsonReply {
  return { kind: 'json', status: 200, body };
}
