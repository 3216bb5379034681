import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { parseJson } from '../json.ts';
import { receiveUpload } from '../openai/upload.ts';
import type { FireworksBackend } from './backend.ts';
import { type DatasetRecord, datasetName, newDataset } from './dataset-store.ts';
import { errorReply, refused } from './error-reply.ts';
import { isResourceId, maxDatasetBytes, maxDirectUploadBytes } from './limits.ts';

const maxBodyBytes = 1024 * 1024;

/** How long an uploaded dataset is not READY yet. */
const readyAfterMs = 20;

const creationSchema = z.strictObject({
  datasetId: z.string(),
  dataset: z.strictObject({
    displayName: z.string().optional(),
    exampleCount: z.string().regex(/^\d+$/).optional(),
    format: z.enum(['FORMAT_UNSPECIFIED', 'CHAT', 'COMPLETION', 'RL']).optional(),
    userUploaded: z.strictObject({}),
  }),
});
const announcementSchema = z.strictObject({ filenameToSize: z.record(z.string(), z.string().regex(/^\d+$/)) });

export function datasetRoutes(backend: FireworksBackend): Route[] {
  const path = '/v1/accounts/:account/datasets';
  const one = `${path}/:datasetId`;
  const found = (answer: (dataset: DatasetRecord, exchange: Exchange) => Promise<JsonReply>): Route['answer'] => {
    return (exchange) => answer(findDataset(backend, exchange), exchange);
  };
  return [
    { method: 'POST', path, answer: (exchange) => createDataset(backend, exchange) },
    { method: 'GET', path, answer: async (exchange) => listDatasets(backend, exchange) },
    { method: 'POST', path: `${one}:upload`, answer: found((...given) => upload(backend, ...given)) },
    { method: 'POST', path: `${one}:getUploadEndpoint`, answer: found((...given) => announce(backend, ...given)) },
    { method: 'POST', path: `${one}:validateUpload`, answer: found(async (dataset) => validate(backend, dataset)) },
    {
      method: 'GET',
      path: `${one}:getDownloadEndpoint`,
      answer: found((...given) => downloadEndpoint(backend, ...given)),
    },
    { method: 'GET', path: one, answer: found(async (dataset) => ok(wireDataset(dataset))) },
    { method: 'DELETE', path: one, answer: found(async (dataset) => deleteDataset(backend, dataset)) },
  ];
}

async function createDataset(backend: FireworksBackend, exchange: Exchange): Promise<JsonReply> {
  const { datasetId, dataset } = await readJson(exchange, creationSchema);
  const account = exchange.params.account ?? '';
  if (!isResourceId(datasetId)) throw refused('INVALID_ARGUMENT', `invalid dataset id "${datasetId}"`);
  if (dataset.exampleCount === undefined)
    throw refused('INVALID_ARGUMENT', 'example_count is required for uploaded datasets');
  if (backend.datasets.find(datasetName({ account, id: datasetId })))
    throw refused('ALREADY_EXISTS', `dataset "${datasetId}" already exists`);
  const { displayName = '', exampleCount } = dataset;
  return ok(wireDataset(backend.datasets.put(newDataset({ account, id: datasetId, displayName, exampleCount }))));
}

function listDatasets(backend: FireworksBackend, { params }: Exchange): JsonReply {
  const datasets = backend.datasets.list(params.account ?? '').map(wireDataset);
  return ok({ datasets, nextPageToken: '', totalSize: datasets.length });
}

async function upload(backend: FireworksBackend, dataset: DatasetRecord, exchange: Exchange): Promise<JsonReply> {
  await applyCallFaults(backend.faultPlan, exchange, 'upload', null, errorReply);
  const path = join(backend.uploadFolder, randomUUID());
  const { file } = await receiveUpload(exchange.request, path);
  if (file === null) throw refused('INVALID_ARGUMENT', 'the form has no file');
  assertSize(exchange, file.bytes, errorReply);
  if (file.bytes > maxDirectUploadBytes) throw new RefusedCall(errorReply(413));
  assertHasNoFiles(dataset);
  const filled = backend.datasets.putFile(dataset, { name: file.fileName, bytes: file.bytes }, path);
  backend.datasets.put({ ...filled, readyAtMs: Date.now() + readyAfterMs });
  return ok({
    id: datasetName(dataset),
    object: 'file',
    bytes: file.bytes,
    created_at: Math.floor(Date.now() / 1000),
    filename: file.fileName,
    purpose: 'dataset',
  });
}

/** The way for large files: their sizes are told, and each is put to a URL of its own. */
async function announce(backend: FireworksBackend, dataset: DatasetRecord, exchange: Exchange): Promise<JsonReply> {
  const { filenameToSize } = await readJson(exchange, announcementSchema);
  assertHasNoFiles(dataset);
  const announced = Object.fromEntries(Object.entries(filenameToSize).map(([name, size]) => [name, Number(size)]));
  const total = Object.values(announced).reduce((sum, bytes) => sum + bytes, 0);
  if (total > maxDatasetBytes) throw refused('INVALID_ARGUMENT', `the dataset has more than ${maxDatasetBytes} bytes`);
  backend.datasets.put({ ...dataset, announced });
  const { account, id } = dataset;
  const urls = Object.keys(announced).map((name) => [name, backend.signedUrls.make('PUT', account, id, name)]);
  return ok({ filenameToSignedUrls: Object.fromEntries(urls) });
}

/** Holds the files that came against those that were announced. */
function validate(backend: FireworksBackend, dataset: DatasetRecord): JsonReply {
  const missing = Object.entries(dataset.announced).find(
    ([name, bytes]) => !dataset.files.some((file) => file.name === name && file.bytes === bytes),
  );
  if (missing !== undefined || dataset.files.length === 0)
    throw refused('FAILED_PRECONDITION', `the upload of "${missing?.[0] ?? ''}" is not complete`);
  backend.datasets.put({ ...dataset, readyAtMs: dataset.readyAtMs ?? Date.now() + readyAfterMs });
  return ok({});
}

/** The names stand under the dataset's folder. A body, even an empty object, is refused by what stands in front. */
async function downloadEndpoint(
  backend: FireworksBackend,
  dataset: DatasetRecord,
  { request }: Exchange,
): Promise<JsonReply> {
  const body = await readBody(request, maxBodyBytes, errorReply(413));
  if (body.length > 0) throw refused('INVALID_ARGUMENT', 'Your client has issued a malformed or illegal request.');
  if (!isReady(dataset)) throw new RefusedCall(errorReply(404));
  const { account, id } = dataset;
  const urls = dataset.files.map(({ name }) => [
    `dataset/${id}/${name}`,
    backend.signedUrls.make('GET', account, id, name),
  ]);
  return ok({ filenameToSignedUrls: Object.fromEntries(urls) });
}

function deleteDataset(backend: FireworksBackend, dataset: DatasetRecord): JsonReply {
  backend.datasets.delete(dataset);
  return ok({});
}

function findDataset(backend: FireworksBackend, { params }: Exchange): DatasetRecord {
  const dataset = backend.datasets.find(datasetName({ account: params.account ?? '', id: params.datasetId ?? '' }));
  if (dataset === undefined) throw new RefusedCall(errorReply(404));
  return dataset;
}

function assertHasNoFiles(dataset: DatasetRecord): void {
  if (dataset.files.length > 0) throw refused('FAILED_PRECONDITION', `dataset "${dataset.id}" has been uploaded`);
}

export function isReady({ readyAtMs }: DatasetRecord): boolean {
  return readyAtMs !== null && Date.now() >= readyAtMs;
}

function wireDataset(dataset: DatasetRecord): object {
  const createTime = new Date(dataset.createdAtMs).toISOString();
  return {
    name: datasetName(dataset),
    displayName: dataset.displayName,
    createTime,
    createdBy: 'user@example.com',
    state: isReady(dataset) ? 'READY' : 'UPLOADING',
    status: { code: 'OK', message: '' },
    exampleCount: dataset.exampleCount,
    estimatedTokenCount: '0',
    averageTurnCount: 0,
    format: 'FORMAT_UNSPECIFIED',
    externalUrl: '',
    sourceJobName: dataset.sourceJobName,
    updateTime: createTime,
    ...(dataset.sourceJobName === '' && { userUploaded: {} }),
  };
}

/** @throws RefusedCall for a body of another form: the gateway knows every field. */
export async function readJson<Schema extends z.ZodType>(
  exchange: Exchange,
  schema: Schema,
): Promise<z.output<Schema>> {
  const body = await readBody(exchange.request, maxBodyBytes, errorReply(413));
  const parsed = schema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success) throw refused('INVALID_ARGUMENT', `invalid request: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

export function ok(body: object): JsonReply {
  return { kind: 'json', status: 200, body };
}
