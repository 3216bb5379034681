import { z } from 'zod';
import type { BatchRecord } from '../batch-record.ts';
import { acceptBatch, applyRetrievalFaults, cancelBatch, listPage, ok } from '../google/batch-calls.ts';
import { errorReply } from '../google/error-reply.ts';
import { liveAnswer } from '../google/live-answer.ts';
import type { GoogleBackend } from '../google/service.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { parseJson } from '../json.ts';
import { SeededRandom } from '../seeded-random.ts';
import { uniqueHex } from '../unique-id.ts';
import { answerOf } from './batch-work.ts';
import { objectId, placeOf } from './objects.ts';
import { putPredictions } from './predictions.ts';
import { jobName, wireJob } from './wire-job.ts';

const maxCreateBytes = 1024 * 1024;
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

const parent = '/v1/projects/:project/locations/:location';
const jobs = `${parent}/batchPredictionJobs`;

/** @param outputFiles over which a job's results are spread. */
export function jobRoutes(backend: GoogleBackend, outputFiles: number): Route[] {
  const jobOf = async (record: BatchRecord) => {
    const view = await backend.ledger.view(record);
    await putPredictions(backend, view, outputFiles);
    return wireJob(view, Date.now());
  };
  return [
    { method: 'POST', path: jobs, answer: (exchange) => createJob(backend, exchange) },
    { method: 'GET', path: jobs, answer: (exchange) => listJobs(backend, exchange, jobOf) },
    { method: 'GET', path: `${jobs}/:job`, answer: (exchange) => retrieveJob(backend, exchange, jobOf) },
    { method: 'POST', path: `${jobs}/:job`, answer: (exchange) => callJob(backend, exchange) },
    {
      method: 'POST',
      path: `${parent}/publishers/:publisher/models/:call`,
      answer: (exchange) => callModel(backend, exchange),
    },
  ];
}

async function createJob(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const body = await readBody(exchange.request, maxCreateBytes, errorReply(400));
  const parsed = createSchema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success) throw new RefusedCall(errorReply(400, z.prettifyError(parsed.error)));
  const { displayName, labels, inputConfig, outputConfig, model: modelName } = parsed.data;
  const { project, location } = exchange.params;
  const inputFileId = inputConfig.gcsSource.uris[0] ?? '';
  const record = await acceptBatch(backend, exchange, {
    id: BigInt(`0x${uniqueHex('', 14)}`).toString(),
    endpoint,
    model: modelName.replace(/^.*\//, ''),
    idName: 'custom_id',
    inputFileId,
    input: backend.fileStore.find(objectId(placeOf(inputFileId))),
    metadata: {
      parent: `projects/${project}/locations/${location}`,
      modelName,
      displayName,
      labels: JSON.stringify(labels),
      outputUriPrefix: outputConfig.gcsDestination.outputUriPrefix,
    },
  });
  return ok(wireJob({ record, planned: null, sums: null }, record.createdAtMs));
}

/** A job as it is now. */
type JobOf = (record: BatchRecord) => Promise<object>;

async function listJobs(backend: GoogleBackend, exchange: Exchange, jobOf: JobOf): Promise<JsonReply> {
  const sinceMs = sinceOf(exchange.url.searchParams.get('filter'));
  const isListed = (record: BatchRecord) => isWithin(record, exchange) && record.createdAtMs >= sinceMs;
  const { records, ...next } = await listPage(backend, exchange, isListed);
  const batchPredictionJobs = await Promise.all(records.map(jobOf));
  return ok({ ...(batchPredictionJobs.length > 0 && { batchPredictionJobs }), ...next });
}

/** Reads the one filter that we use; Vertex has more. */
function sinceOf(filter: string | null): number {
  if (filter === null) return 0;
  const time = /^create_time>="([^"]+)"$/.exec(filter)?.[1];
  if (time === undefined || Number.isNaN(Date.parse(time))) throw new RefusedCall(errorReply(400, 'Invalid filter.'));
  return Date.parse(time);
}

async function retrieveJob(backend: GoogleBackend, exchange: Exchange, jobOf: JobOf): Promise<JsonReply> {
  const record = findJob(backend, exchange, exchange.params.job ?? '');
  await applyRetrievalFaults(backend, exchange, record);
  return ok(await jobOf(record));
}

async function callJob(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const [id = '', method] = (exchange.params.job ?? '').split(':');
  if (method !== 'cancel') throw new RefusedCall(errorReply(404));
  return await cancelBatch(backend, exchange, findJob(backend, exchange, id));
}

const liveMethods: Record<string, { publisher: string; models: RegExp }> = {
  generateContent: { publisher: 'google', models: /^gemini-/ },
  rawPredict: { publisher: 'anthropic', models: /^claude-/ },
};

async function callModel(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const [model = '', method = ''] = (exchange.params.call ?? '').split(':');
  const known = liveMethods[method];
  if (known?.publisher !== exchange.params.publisher || !known?.models.test(model))
    throw new RefusedCall(errorReply(404, `Publisher model ${model} was not found, or has no ${method}.`));
  return await backend.live.serve(exchange, { endpoint, model }, (request) =>
    liveAnswer(answerOf(model, request, new SeededRandom(uniqueHex('', 32)))),
  );
}

function isWithin(record: BatchRecord, { params }: Exchange): boolean {
  return jobName(record).startsWith(`projects/${params.project}/locations/${params.location}/`);
}

function findJob(backend: GoogleBackend, exchange: Exchange, id: string): BatchRecord {
  const record = backend.ledger.find(id);
  if (record === undefined || !isWithin(record, exchange)) throw new RefusedCall(errorReply(404));
  return record;
}
