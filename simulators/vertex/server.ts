import type { IncomingMessage } from 'node:http';
import { errorReply } from '../google/error-reply.ts';
import { type GoogleBackend, startGoogleService } from '../google/service.ts';
import { RefusedCall } from '../http-server.ts';
import type { LiveSimulator, SimulatorOptions } from '../simulator.ts';
import { vertexWork } from './batch-work.ts';
import { jobRoutes } from './jobs.ts';
import { objectRoutes } from './objects.ts';
import { jobName } from './wire-job.ts';

/** Starts a simulator of Vertex's jobs and models, and of Cloud Storage. Its key is an access token. */
export async function startVertexSimulator(options: SimulatorOptions): Promise<LiveSimulator> {
  const outputFiles = options.outputFiles ?? 1;
  const routes = (backend: GoogleBackend) => [...objectRoutes(backend), ...jobRoutes(backend, outputFiles)];
  return await startGoogleService({ kind: 'vertex', work: vertexWork, nameOf: jobName, routes, admit }, options);
}

function admit(headers: IncomingMessage['headers'], accessToken: string | undefined): void {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined && (accessToken === undefined || token === accessToken)) return;
  const message =
    'Request had invalid authentication credentials. Expected OAuth 2 access token or other valid authentication credential.';
  throw new RefusedCall(errorReply(401, message));
}
