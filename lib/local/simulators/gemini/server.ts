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
import { geminiWork } from './batch-work.ts';
import { batchRoutes, subjectOf } from './batches.ts';
import { fileRoutes } from './files.ts';

/** Starts a simulator of the Gemini API's batches and files on 127.0.0.1. */
export async function startGeminiSimulator(options: SimulatorOptions): Promise<Simulator> {
  const folder = join(options.dataDir, 'gemini');
  const book = new FaultBook(join(folder, 'faults.json'), options.faults);
  const bodies = new StruckBodies(join(folder, 'struck-bodies.json'));
  const ledger = new BatchLedger(join(folder, 'batches'), googleBatchWork(geminiWork, bodies));
  const shelf = new FileShelf(join(folder, 'files'));
  const uploadFolder = emptyFolder(join(folder, 'uploads'));
  const service = await serve({
    port: options.port ?? 0,
    routes: [
      ...fileRoutes({ shelf, book, uploadFolder, subjectOf: (file) => batchOf(ledger, file) }),
      ...batchRoutes({ ledger, shelf, book, timing: timingSchema.parse(options.timing ?? {}) }),
      ...adminRoutes(ledger, book, 'gemini'),
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
    // The API names a batch by its kind and its id.
    creations: async () =>
      (await readCreations(ledger, 'gemini')).map((creation) => ({
        ...creation,
        providerBatchId: `batches/${creation.providerBatchId}`,
      })),
    setFaults: (faults) => book.replace(faults),
    openBatches: async () => (await readOpenBatches(ledger)).map((id) => `batches/${id}`),
  };
}

function batchOf(ledger: BatchLedger, file: FileRecord) {
  const record = file.batchId === null ? undefined : ledger.find(file.batchId);
  return record === undefined ? null : subjectOf(ledger, record);
}

function admit({ request }: Exchange, apiKey: string | undefined): void {
  const key = request.headers['x-goog-api-key'];
  if (key === undefined || key === '')
    throw new RefusedCall(
      errorReply(403, "Method doesn't allow unregistered callers (callers without established identity)."),
    );
  if (apiKey === undefined || key === apiKey) return;
  const detail = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: 'API_KEY_INVALID',
    domain: 'googleapis.com',
  };
  throw new RefusedCall(errorReply(400, 'API key not valid. Please pass a valid API key.', [detail]));
}
