import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { onTestFinished } from 'vitest';
import { listenOnLoopback } from '../../../local/loopback-server.ts';

/** A request as it came over the wire. */
export interface SentRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface RecordingProxy {
  /** In place of the server's own. */
  url: string;
  /** What came since the last time, the same only once. */
  take(): SentRequest[];
}

/** Stands before a server, passes everything on and keeps every request. */
export async function startRecordingProxy(serverUrl: string): Promise<RecordingProxy> {
  const { host, pathname } = new URL(serverUrl);
  const sent = new Map<string, SentRequest>();
  const proxy = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await Array.fromAsync(incoming));
    const { method = '', url = '', headers } = incoming;
    const key = `${method} ${url} ${body.toString('latin1')}`;
    if (!sent.has(key)) sent.set(key, { method, url, headers, body });
    const passedOn = request(`http://${host}${url}`, { method, headers }, async (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      await pipeline(answer, outgoing);
    });
    passedOn.on('error', (error) => outgoing.destroy(error)).end(body);
  });
  const origin = await listenOnLoopback(proxy, 0);
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return {
    url: origin + (pathname === '/' ? '' : pathname),
    take: () => {
      const taken = [...sent.values()];
      sent.clear();
      return taken;
    },
  };
}
