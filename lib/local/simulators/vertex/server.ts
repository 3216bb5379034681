import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import { readCreations, readOpenBatches } from '../creation-log.ts';
import { FaultBook } from '../fault-book.ts';
import { googleBatchWork } from '../google/batch-work.ts';
import { errorReply } from '../google/error-reply.ts';
import { type Exchange, RefusedCall, serve } from '../http-server.ts';
import { type FileRecord, FileShelf } from '../openai/file-shelf.ts';
import { type Simulator, type SimulatorOptions, timingSchema } from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { StruckBodies } from '../struck-bodies.ts';
import { vertexWork } from './batch-work.ts';
import { jobRoutes, subjectOf } from './jobs.ts';
import { objectRoutes } from './objects.ts';
import { jobName } from './wire-job.ts';

/** Starts a simulator of Vertex's jobs and of Cloud Storage on 127.0.0.1. Its key is an access token. */
export async function startVertexSimulator(options: SimulatorOptions): Promise<Simulator> {
  const folder = join(options.dataDir, 'vertex');
  const book = new FaultBook(join(folder, 'faults.json'), options.faults);
  const bodies = new StruckBodies(join(folder, 'struck-bodies.json'));
  const ledger = new BatchLedger(join(folder, 'batches'), googleBatchWork(vertexWork, bodies));
  const shelf = new FileShelf(join(folder, 'objects'));
  const uploadFolder = emptyFolder(join(folder, 'uploads'));
  const nameOf = (id: string) => {
    const record = ledger.find(id);
    return record === undefined ? id : jobName(record);
  };
  const service = await serve({
    port: options.port ?? 0,
    routes: [
      ...objectRoutes({ shelf, book, uploadFolder, subjectOf: (file) => jobBehind(ledger, file) }),
      ...jobRoutes({ ledger, shelf, book, timing: timingSchema.parse(options.timing ?? {}) }),
      ...adminRoutes(ledger, book, 'vertex'),
    ],
    answerHeaders: () => ({}),
    dressReply: (reply) => reply,
    admit: (exchange) => admit(exchange, options.apiKey),
    unknownRoute: () => errorReply(404),
    internalError: () => errorReply(500),
  });
  return {
    url: service.origin,
    close: async () => {
      await service.close();
      await ledger.close();
    },
    creations: async () =>
      (await readCreations(ledger, 'vertex')).map((creation) => ({
        ...creation,
        providerBatchId: nameOf(creation.providerBatchId),
      })),
    setFaults: (faults) => book.replace(faults),
    openBatches: async () => (await readOpenBatches(ledger)).map(nameOf),
  };
}

function jobBehind(ledger: BatchLedger, file: FileRecord) {
  const record = file.batchId === null ? undefined : ledger.find(file.batchId);
  return record === undefined ? null : subjectOf(ledger, record);
}

function admit({ request }: Exchange, accessToken: string | undefined): void {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token !== undefined && (accessToken === undefined || token === accessToken)) return;
  throw new RefusedCall(
    errorReply(
      401,
      'Request had invalid authentication credentials. Expected OAuth 2 access token or other valid authentication credential.',
    ),
  );
}
