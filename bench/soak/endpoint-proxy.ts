import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../local/loopback-server.ts';
import { type AwsCall, callOf } from './aws-call.ts';
import { refusalOf } from './aws-refusals.ts';

/** What becomes of one request. */
export type DrawnFault =
  | { kind: 'pass' }
  | { kind: 'refuse'; how: 'throttled' | 'failed' }
  | { kind: 'cut'; when: 'before' | 'after' | 'midway' }
  | { kind: 'slow'; delayMs: number };

export interface EndpointProxyOptions {
  /** Asked for each request, before it has any effect. */
  fault?: (call: AwsCall) => DrawnFault;
  /** Told of each request that is passed on. */
  onCall?: (call: AwsCall) => void;
}

/**
 * Stands before a local endpoint of AWS, under an address that stays when the endpoint moves, and lets requests fail as
 * they do on a network. What was passed on is answered unchanged.
 */
export class EndpointProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #target: { url: string | null };

  private constructor(url: string, server: Server, agent: Agent, target: { url: string | null }) {
    this.url = url;
    this.#server = server;
    this.#agent = agent;
    this.#target = target;
  }

  static async start(options: EndpointProxyOptions = {}): Promise<EndpointProxy> {
    const target: { url: string | null } = { url: null };
    const agent = new Agent({ keepAlive: true });
    const server = createServer((incoming, outgoing) => {
      handle(incoming, outgoing, { ...options, agent, target }).catch(() => outgoing.destroy());
    });
    server.requestTimeout = 0;
    server.keepAliveTimeout = 75_000;
    return new EndpointProxy(await listenOnLoopback(server, 0), server, agent, target);
  }

  /** @param url where the endpoint is now; null cuts off every request. */
  leadTo(url: string | null): void {
    this.#target.url = url;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }
}

interface Route extends EndpointProxyOptions {
  agent: Agent;
  target: { url: string | null };
}

async function handle(incoming: IncomingMessage, outgoing: ServerResponse, route: Route): Promise<void> {
  const body = await readBody(incoming);
  const call = callOf(incoming, body);
  const fault = route.fault?.(call) ?? { kind: 'pass' };
  if (fault.kind === 'slow') await sleep(fault.delayMs);
  if (outgoing.destroyed) return; // its sender has died meanwhile
  if (fault.kind === 'refuse') {
    const refusal = refusalOf(call, fault.how);
    outgoing.writeHead(refusal.status, { 'content-type': refusal.contentType }).end(refusal.body);
    return;
  }
  if (fault.kind === 'cut' && fault.when === 'before') {
    outgoing.destroy();
    return;
  }
  route.onCall?.(call);
  const answer = await passOn(incoming, body, route);
  if (fault.kind === 'cut') await cutOff(answer, outgoing, fault.when === 'midway');
  else await giveBack(answer, outgoing);
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function passOn(incoming: IncomingMessage, body: Buffer, { agent, target }: Route): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (target.url === null) {
      reject(new Error('There is nothing behind this endpoint now.'));
      return;
    }
    const { expect: _expect, connection: _connection, ...headers } = incoming.headers;
    const { hostname, port } = new URL(target.url);
    const passed = request({ hostname, port, path: incoming.url, method: incoming.method, headers, agent });
    passed.on('response', resolve);
    passed.on('error', reject);
    passed.end(body);
  });
}

async function giveBack(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
  for await (const chunk of answer) outgoing.write(chunk);
  outgoing.end();
}

/** The request took effect, and its sender never learns it, or learns half of it. */
async function cutOff(answer: IncomingMessage, outgoing: ServerResponse, isMidway: boolean): Promise<void> {
  const body = await readBody(answer);
  if (isMidway && body.length > 1) {
    outgoing.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
    await new Promise((resolve) => outgoing.write(body.subarray(0, body.length / 2), resolve));
  }
  outgoing.destroy();
}
