import { randomBytes, randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { BatchLedger } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { applyCallFaults } from '../call-faults.ts';
import type { FaultPlan, FaultSubject } from '../fault-plan.ts';
import type { Operation } from '../faults.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { type JsonObject, parseJson } from '../json.ts';
import type { Timing } from '../simulator.ts';
import { download } from './bucket.ts';
import { errorOfStatus, errorReply, refused } from './error-reply.ts';
import { arnOf, createJobSchema, examinerOfJob, type JobTerms, termsOf } from './job-terms.ts';
import { defaultTimeoutHours, maxListed } from './limits.ts';
import { inputSubject } from './record-line.ts';
import { wireJob } from './wire-job.ts';

const maxBodyBytes = 64 * 1024;

/** What the routes need of the rest of the simulator. */
export interface JobSurroundings {
  ledger: BatchLedger;
  faultPlan: FaultPlan;
  timing: Timing;
  /** Folder for inputs of jobs that are not accepted yet. */
  intakeFolder: string;
}

export function jobRoutes(here: JobSurroundings): Route[] {
  const one = '/model-invocation-job/:jobIdentifier';
  return [
    { method: 'POST', path: '/model-invocation-job', answer: (exchange) => createJob(here, exchange) },
    { method: 'GET', path: '/model-invocation-jobs', answer: (exchange) => listJobs(here, exchange) },
    { method: 'GET', path: one, answer: (exchange) => getJob(here, exchange) },
    { method: 'POST', path: `${one}/stop`, answer: (exchange) => stopJob(here, exchange) },
  ];
}

async function createJob(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  const terms = await readTerms(exchange);
  const inputPath = join(here.intakeFolder, randomUUID());
  const isThere = await download(terms.inputUri, inputPath);
  const subject = inputSubject(isThere ? inputPath : '/dev/null', terms.modelId);
  await strike(here, exchange, 'create', subject);
  if (!isThere) throw refused(400, `The S3 URI ${terms.inputUri} does not exist or cannot be accessed by the role.`);
  if ((await here.faultPlan.takeTokenLimit(subject)) !== null) throw tooManyJobs();
  const faults = await here.faultPlan.takeBatchFaults(subject);
  // From here to the acceptance nothing waits, so that one token never makes two jobs.
  const known = here.ledger.newestFirst().find((record) => isOfToken(record, terms));
  if (known) return repeated(known, terms);
  const record = here.ledger.accept(
    {
      id: randomBytes(6).toString('hex'),
      createdAtMs: Date.now(),
      endpoint: subject.endpoint,
      timing: here.timing,
      faults,
      cancelRequestedAtMs: null,
      deletedAtMs: null,
      inputFileId: null,
      metadata: terms,
      outputExpiresAfterSeconds: null,
      apiVersion: null,
      requestCount: null,
    },
    (path) => renameSync(inputPath, path),
  );
  return ok({ jobArn: arnOf(record.id) });
}

async function readTerms({ request }: Exchange): Promise<JobTerms> {
  const tooLarge = errorReply(413, 'RequestEntityTooLargeException', 'Request is too large.');
  const body = await readBody(request, maxBodyBytes, tooLarge);
  const parsed = createJobSchema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success) throw refused(400, issueText(parsed.error));
  const job = parsed.data;
  const terms: JobTerms = {
    jobName: job.jobName,
    roleArn: job.roleArn,
    clientRequestToken: job.clientRequestToken ?? randomUUID(),
    modelId: job.modelId,
    inputUri: job.inputDataConfig.s3InputDataConfig.s3Uri,
    outputUri: job.outputDataConfig.s3OutputDataConfig.s3Uri,
    timeoutHours: String(job.timeoutDurationInHours ?? defaultTimeoutHours),
    invocationType: job.modelInvocationType ?? 'InvokeModel',
  };
  if (!examinerOfJob(terms)) throw refused(400, 'The provided model identifier is invalid.');
  return terms;
}

function issueText(error: z.ZodError): string {
  const [issue] = error.issues;
  return `1 validation error detected: ${issue?.path.join('.')}: ${issue?.message}`;
}

function tooManyJobs(): RefusedCall {
  const message = 'You have reached the maximum number of jobs in progress.';
  return new RefusedCall(errorReply(400, 'ServiceQuotaExceededException', message));
}

function isOfToken(record: BatchRecord, terms: JobTerms): boolean {
  return termsOf(record).clientRequestToken === terms.clientRequestToken;
}

function repeated(record: BatchRecord, terms: JobTerms): JsonReply {
  const isSame = JSON.stringify(termsOf(record)) === JSON.stringify(terms);
  if (!isSame) throw refused(409, 'The client request token was used with other parameters.');
  return ok({ jobArn: arnOf(record.id) });
}

/** As AWS's lists do, a page is cut first and filtered then: it may be empty and not the last. */
async function listJobs(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  await strike(here, exchange, 'list', null);
  const query = exchange.url.searchParams;
  const nowMs = Date.now();
  const records = here.ledger.newestFirst().filter((record) => !isUnlisted(record, nowMs));
  const start = startOf(query.get('nextToken'));
  const end = start + Math.min(Number(query.get('maxResults') ?? maxListed), maxListed);
  const page = records.slice(start, end).filter((record) => isAskedFor(record, query));
  const jobs = await Promise.all(page.map(async (record) => wireJob(await here.ledger.view(record))));
  return ok({ invocationJobSummaries: jobs, ...(end < records.length && { nextToken: `page${end}` }) });
}

function startOf(token: string | null): number {
  if (token === null) return 0;
  const start = /^page(\d+)$/.exec(token)?.[1];
  if (start === undefined) throw refused(400, 'nextToken is invalid.');
  return Number(start);
}

function isAskedFor(record: BatchRecord, query: URLSearchParams): boolean {
  const submittedAfter = query.get('submitTimeAfter');
  return (
    termsOf(record).jobName.includes(query.get('nameContains') ?? '') &&
    (submittedAfter === null || record.createdAtMs > Date.parse(submittedAfter))
  );
}

async function getJob(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findJob(here, exchange);
  await strike(here, exchange, 'retrieve', subjectOf(here, record));
  const hidden = faultOf(record, 'not_found_yet');
  if (hidden !== undefined && Date.now() < record.createdAtMs + hidden.durationMs) throw unknownJob();
  return ok(wireJob(await here.ledger.view(record)));
}

async function stopJob(here: JobSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findJob(here, exchange);
  await strike(here, exchange, 'cancel', subjectOf(here, record));
  if ((await here.ledger.endedAtMs(record)) !== null) throw refused(409, 'The job has ended and cannot be stopped.');
  here.ledger.requestCancel(record.id);
  return ok({});
}

/** By its ARN or by its id alone; anything else is malformed. */
function findJob(here: JobSurroundings, { params }: Exchange): BatchRecord {
  const id = /^(?:arn:aws:bedrock:[a-z0-9-]+:\d{12}:model-invocation-job\/)?([a-z0-9]{12})$/.exec(
    params.jobIdentifier ?? '',
  )?.[1];
  if (id === undefined) throw refused(400, 'The provided job identifier is invalid.');
  const record = here.ledger.find(id);
  if (record === undefined) throw unknownJob();
  return record;
}

function unknownJob(): RefusedCall {
  return refused(404, 'The requested job was not found.');
}

function isUnlisted(record: BatchRecord, nowMs: number): boolean {
  const fault = faultOf(record, 'not_found_yet');
  return fault?.unlisted === true && nowMs < record.createdAtMs + fault.durationMs;
}

function subjectOf(here: JobSurroundings, record: BatchRecord): FaultSubject {
  return inputSubject(here.ledger.paths(record.id).input, termsOf(record).modelId);
}

async function strike(
  here: JobSurroundings,
  exchange: Exchange,
  operation: Operation,
  subject: FaultSubject | null,
): Promise<void> {
  await applyCallFaults(here.faultPlan, exchange, operation, subject, errorOfStatus);
}

function ok(body: JsonObject): JsonReply {
  return { kind: 'json', status: 200, body };
}
