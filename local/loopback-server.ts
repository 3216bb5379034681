import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { PortTakenError } from './port-taken-error.ts';

export interface LoopbackServer {
  /** Such as http://127.0.0.1:4010. */
  url: string;
  close(): Promise<void>;
}

const closingGraceMilliseconds = 300;
/** Longer than the SDK keeps idle connections, so that none picks one up just as it closes. */
const keepAliveMilliseconds = 75_000;

/**
 * Serves an app on 127.0.0.1.
 *
 * @param port 0 takes a free one.
 * @throws PortTakenError
 */
export async function serveOnLoopback(app: Pick<Hono, 'fetch'>, port: number): Promise<LoopbackServer> {
  const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  server.keepAliveTimeout = keepAliveMilliseconds;
  return { url: await listenOnLoopback(server, port), close: () => closeServer(server) };
}

/**
 * @returns the server's URL.
 * @throws PortTakenError
 */
export function listenOnLoopback(server: Server, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(asPortError(error, port)));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server has no port.'));
      else resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

/** @returns PortTakenError where listening failed for that reason, else the error itself. */
export function asPortError(error: unknown, port: number): unknown {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  return isTaken ? new PortTakenError(port, { cause: error }) : error;
}

/** Gives requests in flight a moment to get their answer, then ends every connection. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cutting = setTimeout(() => server.closeAllConnections(), closingGraceMilliseconds);
    server.close(() => {
      clearTimeout(cutting);
      resolve();
    });
    server.closeIdleConnections();
  });
}
