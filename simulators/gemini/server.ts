import type { IncomingMessage } from 'node:http';
import { errorReply } from '../google/error-reply.ts';
import { type GoogleBackend, startGoogleService } from '../google/service.ts';
import { RefusedCall } from '../http-server.ts';
import type { LiveSimulator, SimulatorOptions } from '../simulator.ts';
import { geminiWork } from './batch-work.ts';
import { batchRoutes } from './batches.ts';
import { fileRoutes } from './files.ts';
import { batchName } from './wire-operation.ts';

/** Starts a simulator of the Gemini API's files, batches and models. */
export async function startGeminiSimulator(options: SimulatorOptions): Promise<LiveSimulator> {
  const routes = (backend: GoogleBackend) => [...fileRoutes(backend), ...batchRoutes(backend)];
  return await startGoogleService({ kind: 'gemini', work: geminiWork, nameOf: batchName, routes, admit }, options);
}

function admit(headers: IncomingMessage['headers'], apiKey: string | undefined): void {
  const key = headers['x-goog-api-key'];
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
