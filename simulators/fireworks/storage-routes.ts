import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import { type Exchange, type JsonReply, RefusedCall, type Reply, type Route } from '../http-server.ts';
import { truncationOf } from '../truncation.ts';
import { type FireworksBackend, subjectOf } from './backend.ts';
import { type DatasetRecord, datasetName } from './dataset-store.ts';
import { errorReply } from './error-reply.ts';
import { storageRoot } from './signed-urls.ts';

/** The storage behind signed URLs. */
export function storageRoutes(backend: FireworksBackend): Route[] {
  const path = `${storageRoot}/:account/:datasetId/:file`;
  return [
    { method: 'PUT', path, answer: (exchange) => putFile(backend, exchange) },
    { method: 'GET', path, answer: (exchange) => getFile(backend, exchange) },
  ];
}

async function putFile(backend: FireworksBackend, exchange: Exchange): Promise<JsonReply> {
  const dataset = signedDataset(backend, exchange);
  await applyCallFaults(backend.faultPlan, exchange, 'upload', null, errorReply);
  const path = join(backend.uploadFolder, randomUUID());
  await pipeline(exchange.request, createWriteStream(path));
  const { size } = await stat(path);
  assertSize(exchange, size, errorReply);
  const name = exchange.params.file ?? '';
  if (dataset.announced[name] !== size) throw new RefusedCall(errorReply(400));
  const others = dataset.files.filter((file) => file.name !== name);
  backend.datasets.putFile({ ...dataset, files: others }, { name, bytes: size }, path);
  return { kind: 'json', status: 200, body: {} };
}

async function getFile(backend: FireworksBackend, exchange: Exchange): Promise<Reply> {
  const dataset = signedDataset(backend, exchange);
  const file = dataset.files.find(({ name }) => name === exchange.params.file);
  if (file === undefined) throw new RefusedCall(errorReply(404));
  const record = backend.ledger.find(dataset.sourceJobName.split('/').at(-1) ?? '');
  const subject = record === undefined ? null : subjectOf(backend, record);
  await applyCallFaults(backend.faultPlan, exchange, 'results', subject, errorReply);
  const fault = subject === null || file.bytes === 0 ? null : await backend.faultPlan.takeTruncation(subject);
  return {
    kind: 'download',
    path: file.path,
    headers: { 'content-type': 'application/octet-stream' },
    withLength: true,
    truncation: fault === null ? null : await truncationOf(fault, file.path),
  };
}

/** @throws RefusedCall where the URL is not signed, or no longer. */
function signedDataset(backend: FireworksBackend, { request, url, params }: Exchange): DatasetRecord {
  if (!backend.signedUrls.holds(request.method ?? '', url)) throw new RefusedCall(errorReply(403));
  const dataset = backend.datasets.find(datasetName({ account: params.account ?? '', id: params.datasetId ?? '' }));
  if (dataset === undefined) throw new RefusedCall(errorReply(404));
  return dataset;
}
