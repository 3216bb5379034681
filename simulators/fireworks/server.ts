import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import { creationLog } from '../creation-log.ts';
import { FailedBodies } from '../failed-bodies.ts';
import { FaultPlan } from '../fault-plan.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, serve } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import { LiveCalls } from '../live-calls.ts';
import { SeededRandom } from '../seeded-random.ts';
import { type LiveSimulator, type SimulatorOptions, timingSchema } from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { uniqueHex } from '../unique-id.ts';
import type { FireworksBackend } from './backend.ts';
import { fireworksBatchWork } from './batch-work.ts';
import { examineLine } from './chat-line.ts';
import { datasetRoutes } from './dataset-routes.ts';
import { DatasetStore } from './dataset-store.ts';
import { errorReply, inferenceCode, inferenceError, inferenceErrorReply } from './error-reply.ts';
import { jobRoutes } from './job-routes.ts';
import { isKnownModel } from './limits.ts';
import { SignedUrls, storageRoot } from './signed-urls.ts';
import { storageRoutes } from './storage-routes.ts';
import { jobName } from './wire-job.ts';

/** Starts a simulator of Fireworks' datasets, batch inference jobs and chat completions on 127.0.0.1. */
export async function startFireworksSimulator(options: SimulatorOptions): Promise<LiveSimulator> {
  const folder = join(options.dataDir, 'fireworks');
  const faultPlan = new FaultPlan(join(folder, 'faults.json'), options.faults);
  const bodies = new FailedBodies(join(folder, 'failed-bodies.json'));
  const backend: FireworksBackend = {
    ledger: new BatchLedger(join(folder, 'batches'), fireworksBatchWork(bodies)),
    datasets: new DatasetStore(join(folder, 'datasets')),
    faultPlan,
    signedUrls: new SignedUrls(folder),
    timing: timingSchema.parse(options.timing ?? {}),
    uploadFolder: emptyFolder(join(folder, 'uploads')),
  };
  const live = new LiveCalls({
    faultPlan,
    logPath: join(folder, 'live-calls.jsonl'),
    errorReply: inferenceErrorReply,
  });
  const { ledger } = backend;
  const log = creationLog(ledger, 'fireworks', jobName);
  const server = await serve({
    port: options.port ?? 0,
    routes: [
      ...datasetRoutes(backend),
      ...jobRoutes(backend),
      ...storageRoutes(backend),
      ...liveRoutes(live),
      ...adminRoutes(log, faultPlan),
    ],
    answerHeaders: () => ({}),
    finishReply: (reply) => reply,
    admit: (exchange) => admit(exchange, options.apiKey),
    unknownRoute: () => errorReply(404),
    internalError: () => errorReply(500),
  });
  backend.signedUrls.origin = server.origin;
  return {
    url: server.origin,
    close: async () => {
      await server.close();
      await ledger.close();
    },
    ...log,
    setFaults: (faults) => faultPlan.replace(faults),
    liveCalls: () => live.calls(),
  };
}

/** A signed URL needs no key. */
function admit({ request, url }: Exchange, apiKey: string | undefined): void {
  if (url.pathname.startsWith(`${storageRoot}/`)) return;
  const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (key !== undefined && (apiKey === undefined || key === apiKey)) return;
  throw new RefusedCall(inferenceError(403, 'The API key you provided is invalid.', 'UNAUTHORIZED'));
}

function liveRoutes(live: LiveCalls): Route[] {
  const root = '/inference/v1';
  const models = { object: 'list', data: [] };
  return [
    { method: 'GET', path: `${root}/models`, answer: async () => ({ kind: 'json', status: 200, body: models }) },
    live.route(`${root}/chat/completions`, chatAnswer),
  ];
}

function chatAnswer(body: JsonObject): JsonReply {
  const { model, ...line } = body;
  if (typeof model !== 'string' || !isKnownModel(model))
    return inferenceError(404, `Model not found, inaccessible, and/or not deployed: ${model}`, 'NOT_FOUND');
  const examination = examineLine(line, model);
  if ('refusal' in examination) {
    const { status, error } = examination.refusal;
    return inferenceError(status, error.message, inferenceCode(status));
  }
  const answer = examination.answer({
    random: new SeededRandom(JSON.stringify(line)),
    ids: new SeededRandom(uniqueHex('', 32)),
    createdSeconds: Math.floor(Date.now() / 1000),
  });
  return { kind: 'json', status: 200, body: answer.body };
}
