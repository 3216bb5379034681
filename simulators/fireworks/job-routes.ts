import { linkSync } from 'node:fs';
import { z } from 'zod';
import type { BatchView } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { applyCallFaults } from '../call-faults.ts';
import type { BatchFault } from '../faults.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route } from '../http-server.ts';
import { inputSubject } from '../openai/batch-subject.ts';
import { uniqueHex } from '../unique-id.ts';
import { endpoint, type FireworksBackend, subjectOf } from './backend.ts';
import { isReady, ok, readJson } from './dataset-routes.ts';
import { type DatasetRecord, newDataset } from './dataset-store.ts';
import { errorReply, refused } from './error-reply.ts';
import { isKnownModel, isResourceId, maxPageSize } from './limits.ts';
import { accountOf, jobName, outputDatasetName, wireJob } from './wire-job.ts';

/** A continued job is not simulated. */
const creationSchema = z.strictObject({
  displayName: z.string().default(''),
  model: z.string(),
  inputDatasetId: z.string(),
  outputDatasetId: z.string().optional(),
  inferenceParameters: z
    .strictObject({
      maxTokens: z.int().optional(),
      temperature: z.number().optional(),
      topP: z.number().optional(),
      topK: z.int().optional(),
      n: z.int().optional(),
      extraBody: z.string().optional(),
    })
    .optional(),
  precision: z.literal('PRECISION_UNSPECIFIED').optional(),
});

export function jobRoutes(backend: FireworksBackend): Route[] {
  const path = '/v1/accounts/:account/batchInferenceJobs';
  return [
    { method: 'POST', path, answer: (exchange) => createJob(backend, exchange) },
    { method: 'GET', path, answer: (exchange) => listJobs(backend, exchange) },
    { method: 'GET', path: `${path}/:jobId`, answer: (exchange) => getJob(backend, exchange) },
    { method: 'DELETE', path: `${path}/:jobId`, answer: (exchange) => deleteJob(backend, exchange) },
  ];
}

async function createJob(backend: FireworksBackend, exchange: Exchange): Promise<JsonReply> {
  const creation = await readJson(exchange, creationSchema);
  const account = exchange.params.account ?? '';
  const id = exchange.url.searchParams.get('batchInferenceJobId') ?? uniqueHex('', 16);
  if (!isResourceId(id)) throw refused('INVALID_ARGUMENT', `invalid batch inference job id "${id}"`);
  if (!isKnownModel(creation.model)) throw refused('NOT_FOUND', `model "${creation.model}" not found`);
  const input = inputOf(backend, creation.inputDatasetId);
  const outputDatasetId = creation.outputDatasetId ?? `accounts/${account}/datasets/bij-${uniqueHex('', 8)}`;
  if (!outputDatasetId.startsWith(`accounts/${account}/datasets/`))
    throw refused('INVALID_ARGUMENT', `invalid output dataset "${outputDatasetId}"`);
  if (backend.datasets.find(outputDatasetId)) throw refused('ALREADY_EXISTS', `${outputDatasetId} already exists`);
  const faults = await takeFaults(backend, exchange, input.path, creation.model);
  // Looked at last: another call may have taken the id meanwhile.
  if (backend.ledger.find(id)) throw refused('ALREADY_EXISTS', `batch inference job "${id}" already exists`);
  const record = backend.ledger.accept(
    {
      id,
      createdAtMs: Date.now(),
      endpoint,
      timing: backend.timing,
      faults,
      cancelRequestedAtMs: null,
      deletedAtMs: null,
      inputFileId: creation.inputDatasetId,
      metadata: {
        account,
        displayName: creation.displayName,
        outputDatasetId,
        exampleCount: input.dataset.exampleCount,
      },
      outputExpiresAfterSeconds: null,
      apiVersion: null,
      requestCount: null,
      model: creation.model,
    },
    (path) => linkSync(input.path, path),
  );
  return ok(wireJob({ record, planned: null, sums: null }, record.createdAtMs));
}

function inputOf(backend: FireworksBackend, name: string): { dataset: DatasetRecord; path: string } {
  const dataset = backend.datasets.find(name);
  if (dataset === undefined) throw refused('NOT_FOUND', `dataset "${name}" not found`);
  const [file] = dataset.files;
  if (!isReady(dataset) || file === undefined) throw refused('FAILED_PRECONDITION', `dataset "${name}" is not ready`);
  return { dataset, path: file.path };
}

async function takeFaults(
  backend: FireworksBackend,
  exchange: Exchange,
  inputPath: string,
  model: string,
): Promise<BatchFault[]> {
  const subject = inputSubject(endpoint, inputPath, model);
  await applyCallFaults(backend.faultPlan, exchange, 'create', subject, errorReply);
  if (await backend.faultPlan.takeTokenLimit(subject))
    throw refused('RESOURCE_EXHAUSTED', 'too many batch inference jobs');
  return await backend.faultPlan.takeBatchFaults(subject);
}

/** Oldest first, as the service orders them unless it is asked otherwise. */
async function listJobs(backend: FireworksBackend, exchange: Exchange): Promise<JsonReply> {
  await applyCallFaults(backend.faultPlan, exchange, 'list', null, errorReply);
  const query = exchange.url.searchParams;
  if (query.get('filter')) throw refused('INVALID_ARGUMENT', 'filters are not simulated');
  const visible = await visibleJobs(backend, exchange.params.account ?? '');
  const ordered = isNewestFirst(query.get('orderBy')) ? visible.reverse() : visible;
  const size = Math.min(Number(query.get('pageSize') || maxPageSize), maxPageSize);
  const start = Number(query.get('pageToken') || 0);
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(start))
    throw refused('INVALID_ARGUMENT', 'invalid page size or page token');
  const views = ordered.slice(start, start + size);
  const nowMs = Date.now();
  return ok({
    batchInferenceJobs: views.map((view) => wireJob(view, nowMs)),
    nextPageToken: start + size < ordered.length ? String(start + size) : '',
    totalSize: ordered.length,
  });
}

function isNewestFirst(orderBy: string | null): boolean {
  if (!orderBy) return false;
  const [, direction = 'asc'] = /^create(?:d)?_?[tT]ime(?: (asc|desc))?$/.exec(orderBy) ?? [];
  if (!/^create/.test(orderBy)) throw refused('INVALID_ARGUMENT', `cannot order by "${orderBy}"`);
  return direction === 'desc';
}

async function visibleJobs(backend: FireworksBackend, account: string): Promise<BatchView[]> {
  const visible: BatchView[] = [];
  for (const record of backend.ledger.newestFirst().reverse()) {
    if (accountOf(record) !== account || isUnlisted(record)) continue;
    const view = await viewOf(backend, record);
    if (view !== null) visible.push(view);
  }
  return visible;
}

async function getJob(backend: FireworksBackend, exchange: Exchange): Promise<JsonReply> {
  const view = await findJob(backend, exchange);
  await applyCallFaults(backend.faultPlan, exchange, 'retrieve', subjectOf(backend, view.record), errorReply);
  if (isHidden(view.record)) throw new RefusedCall(errorReply(404));
  return ok(wireJob(view, Date.now()));
}

/** There is no other way to cancel: a job that runs is stopped, and then it is gone as one that had ended is at once. */
async function deleteJob(backend: FireworksBackend, exchange: Exchange): Promise<JsonReply> {
  const { record } = await findJob(backend, exchange);
  await applyCallFaults(backend.faultPlan, exchange, 'cancel', subjectOf(backend, record), errorReply);
  if ((await backend.ledger.endedAtMs(record)) === null) backend.ledger.requestCancel(record.id);
  else backend.ledger.delete(record.id);
  return ok({});
}

async function findJob(backend: FireworksBackend, { params }: Exchange): Promise<BatchView> {
  const record = backend.ledger.find(params.jobId ?? '');
  const view = record === undefined || accountOf(record) !== params.account ? null : await viewOf(backend, record);
  if (view === null) throw new RefusedCall(errorReply(404));
  return view;
}

/** The job as it is now, its output dataset stored before it is shown as ended; null once it is gone. */
async function viewOf(backend: FireworksBackend, record: BatchRecord): Promise<BatchView | null> {
  if (record.deletedAtMs !== null) return null;
  const view = await backend.ledger.view(record);
  if (record.cancelRequestedAtMs !== null && (await backend.ledger.endedAtMs(record)) !== null) return null;
  storeOutput(backend, view);
  return view;
}

function storeOutput({ datasets, ledger }: FireworksBackend, { record, sums }: BatchView): void {
  const name = outputDatasetName(record);
  if (sums === null || sums.outputBytes === null || sums.errorBytes === null || datasets.find(name)) return;
  const { output, errors } = ledger.paths(record.id);
  datasets.put(
    newDataset({
      account: accountOf(record),
      id: name.split('/').at(-1) ?? '',
      exampleCount: String(sums.succeeded),
      readyAtMs: Date.now(),
      sourceJobName: jobName(record),
      files: [
        { name: 'BIJOutputSet.jsonl', bytes: sums.outputBytes, path: output },
        { name: 'error-data', bytes: sums.errorBytes, path: errors },
      ],
    }),
  );
}

function isHidden(record: BatchRecord): boolean {
  const fault = faultOf(record, 'not_found_yet');
  return fault !== undefined && Date.now() < record.createdAtMs + fault.durationMs;
}

function isUnlisted(record: BatchRecord): boolean {
  return faultOf(record, 'not_found_yet')?.unlisted === true && isHidden(record);
}
