import { connect, type Socket } from 'node:net';

export interface Load {
  port: number;
  /** The whole HTTP/1.1 request, sent again and again. */
  request: string;
  connections: number;
  seconds: number;
}

export interface LoadResult {
  requests: number;
  /** Answers whose status was not 200. */
  refused: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Sends one request after the other on each connection. A bare client: it must cost less than the server. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const times: number[] = [];
  const refusals = { count: 0 };
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + load.seconds * 1_000;
  const sockets = Array.from({ length: load.connections }, () => new LoadConnection(load, endsAtMs, times, refusals));
  await Promise.all(sockets.map((socket) => socket.finished));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  times.sort((left, right) => left - right);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return {
    requests: times.length,
    refused: refusals.count,
    requestsPerSecond: times.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

class LoadConnection {
  readonly #socket: Socket;
  readonly #load: Load;
  readonly #endsAtMs: number;
  readonly #times: number[];
  readonly #refusals: { count: number };
  #sentAtMs = 0;
  #received = '';
  readonly finished: Promise<void>;

  constructor(load: Load, endsAtMs: number, times: number[], refusals: { count: number }) {
    this.#load = load;
    this.#endsAtMs = endsAtMs;
    this.#times = times;
    this.#refusals = refusals;
    this.#socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('connect', () => this.#send());
    this.#socket.on('data', (piece) => this.#receive(piece.toString()));
    this.finished = new Promise((resolve, reject) => {
      this.#socket.on('close', resolve);
      this.#socket.on('error', reject);
    });
  }

  #send(): void {
    this.#received = '';
    this.#sentAtMs = performance.now();
    this.#socket.write(this.#load.request, 'latin1');
  }

  #receive(piece: string): void {
    this.#received += piece;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, headEnd + 2)) ?? [];
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    this.#note();
    if (performance.now() < this.#endsAtMs) this.#send();
    else this.#socket.end();
  }

  #note(): void {
    this.#times.push(performance.now() - this.#sentAtMs);
    if (!this.#received.startsWith('HTTP/1.1 200')) this.#refusals.count += 1;
  }
}
