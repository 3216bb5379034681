import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import { creationLog } from '../creation-log.ts';
import { FailedBodies } from '../failed-bodies.ts';
import { FaultPlan, type FaultSubject } from '../fault-plan.ts';
import { type FileRecord, FileStore } from '../file-store.ts';
import { type JsonReply, RefusedCall, serve } from '../http-server.ts';
import { isJsonObject } from '../json.ts';
import { LiveCalls } from '../live-calls.ts';
import { type LiveSimulator, type SimulatorOptions, timingSchema } from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { uniqueHex } from '../unique-id.ts';
import { inputSubject } from './batch-subject.ts';
import { openAIBatchWork } from './batch-work.ts';
import { batchRoutes } from './batches.ts';
import { errorOfStatus, errorReply, internalError, invalidRequest } from './error-reply.ts';
import { fileRoutes } from './files.ts';
import { liveRoutes } from './live-routes.ts';
import { resultPageRoutes } from './result-pages.ts';
import { openAIWire, type WireDialect } from './wire-dialect.ts';

/** Starts a simulator of OpenAI's batch and file API on 127.0.0.1. */
export const startOpenAISimulator = simulatorOf(openAIWire);

/** Starts one that speaks a service's dialect. */
export function simulatorOf(wire: WireDialect): (options: SimulatorOptions) => Promise<LiveSimulator> {
  return (options) => start(options, wire);
}

async function start(options: SimulatorOptions, wire: WireDialect): Promise<LiveSimulator> {
  const folder = join(options.dataDir, wire.kind);
  const faultPlan = new FaultPlan(join(folder, 'faults.json'), options.faults);
  const bodies = new FailedBodies(join(folder, 'struck-bodies.json'));
  const ledger = new BatchLedger(join(folder, 'batches'), openAIBatchWork(bodies, wire));
  const fileStore = new FileStore(join(folder, 'files'));
  const uploadFolder = emptyFolder(join(folder, 'uploads'));
  const subjectOf = (file: FileRecord) => batchSubject(ledger, file);
  const batches = { wire, ledger, fileStore, faultPlan, timing: timingSchema.parse(options.timing ?? {}) };
  const live = new LiveCalls({
    faultPlan,
    logPath: join(folder, 'live-calls.jsonl'),
    errorReply: (status) => errorReply(status, errorOfStatus(status)),
  });
  const log = creationLog(ledger, wire.kind);
  const service = await serve({
    port: options.port ?? 0,
    routes: [
      ...fileRoutes({ wire, fileStore, faultPlan, uploadFolder, subjectOf }),
      ...batchRoutes(batches),
      ...(wire.pagesResults ? resultPageRoutes(batches, uploadFolder) : []),
      ...liveRoutes(live, wire),
      ...adminRoutes(log, faultPlan),
    ],
    answerHeaders: () => ({ 'x-request-id': uniqueHex('req_', 32), 'openai-version': '2020-10-01' }),
    finishReply: (reply) => finished(reply, wire),
    admit: (exchange) => admit(wire.keyIn(exchange.request.headers), options.apiKey),
    unknownRoute: ({ request, url }) =>
      errorReply(404, invalidRequest(`Invalid URL (${request.method} ${url.pathname})`)),
    internalError: () => errorReply(500, internalError),
  });
  return {
    url: `${service.origin}${wire.baseUrlPath ?? wire.root}`,
    close: async () => {
      await service.close();
      await ledger.close();
    },
    ...log,
    setFaults: (faults) => faultPlan.replace(faults),
    liveCalls: () => live.calls(),
  };
}

/** Refusals are made as OpenAI writes them. */
function finished(reply: JsonReply, wire: WireDialect): JsonReply {
  const { body } = reply;
  return isJsonObject(body) && isJsonObject(body.error) ? { ...reply, body: wire.errorBody(body.error) } : reply;
}

function batchSubject(ledger: BatchLedger, file: FileRecord): FaultSubject | null {
  const record = file.batchId === null ? undefined : ledger.find(file.batchId);
  return record === undefined ? null : inputSubject(record.endpoint, ledger.paths(record.id).input, record.model);
}

function admit(key: string | undefined, apiKey: string | undefined): void {
  if (key === undefined) throw new RefusedCall(errorReply(401, invalidRequest(missingKeyText)));
  if (apiKey === undefined || key === apiKey) return;
  const message = `Incorrect API key provided: ${obscured(key)}. You can find your API key at https://platform.openai.com/account/api-keys.`;
  throw new RefusedCall(errorReply(401, invalidRequest(message, null, 'invalid_api_key')));
}

const missingKeyText =
  "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";

/** As OpenAI shows a wrong key: its first and last four characters. */
function obscured(key: string): string {
  return key.length <= 8 ? '*'.repeat(key.length) : `${key.slice(0, 4)}${'*'.repeat(key.length - 8)}${key.slice(-4)}`;
}
