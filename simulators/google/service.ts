import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import type { BatchRecord } from '../batch-record.ts';
import { creationLog } from '../creation-log.ts';
import { FailedBodies } from '../failed-bodies.ts';
import { FaultPlan, type FaultSubject } from '../fault-plan.ts';
import { FileStore } from '../file-store.ts';
import { type Route, serve } from '../http-server.ts';
import { LiveCalls } from '../live-calls.ts';
import {
  type LiveSimulator,
  type SimulatorKind,
  type SimulatorOptions,
  type Timing,
  timingSchema,
} from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { type GoogleWork, googleBatchWork } from './batch-work.ts';
import { errorReply } from './error-reply.ts';
import { inputSubject } from './stored-line.ts';

/** What the routes of one of Google's services work on. */
export interface GoogleBackend {
  ledger: BatchLedger;
  fileStore: FileStore;
  faultPlan: FaultPlan;
  live: LiveCalls;
  timing: Timing;
  uploadFolder: string;
  /** A batch as faults look at it. */
  subjectOf(record: BatchRecord): FaultSubject;
}

/** What differs between Google's services. */
export interface GoogleService {
  kind: SimulatorKind;
  work: GoogleWork;
  /** A batch's name in the API. */
  nameOf(record: BatchRecord): string;
  routes(backend: GoogleBackend): Route[];
  /** @throws RefusedCall for a caller that may not call. */
  admit(headers: IncomingMessage['headers'], apiKey: string | undefined): void;
}

/** Starts a simulator of one of Google's services on 127.0.0.1. */
export async function startGoogleService(service: GoogleService, options: SimulatorOptions): Promise<LiveSimulator> {
  const { kind, work } = service;
  const folder = join(options.dataDir, kind);
  const faultPlan = new FaultPlan(join(folder, 'faults.json'), options.faults);
  const ledger = new BatchLedger(
    join(folder, 'batches'),
    googleBatchWork(work, new FailedBodies(join(folder, 'struck-bodies.json'))),
  );
  const live = new LiveCalls({ faultPlan, logPath: join(folder, 'live-calls.jsonl'), errorReply });
  const backend: GoogleBackend = {
    ledger,
    fileStore: new FileStore(join(folder, 'files')),
    faultPlan,
    live,
    timing: timingSchema.parse(options.timing ?? {}),
    uploadFolder: emptyFolder(join(folder, 'uploads')),
    subjectOf: (record) =>
      inputSubject(record.endpoint, ledger.paths(record.id).input, work.idName, work.modelOf(record)),
  };
  const log = creationLog(ledger, kind, service.nameOf);
  const server = await serve({
    port: options.port ?? 0,
    routes: [...service.routes(backend), ...adminRoutes(log, faultPlan)],
    answerHeaders: () => ({}),
    finishReply: (reply) => reply,
    admit: ({ request }) => service.admit(request.headers, options.apiKey),
    unknownRoute: () => errorReply(404),
    internalError: () => errorReply(500),
  });
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
