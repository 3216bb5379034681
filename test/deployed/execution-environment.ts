import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FunctionTimedOutError } from '../../local/function-invoker.ts';
import { closeServer, listenOnLoopback } from '../../local/loopback-server.ts';

/** Lambda's bounds of what a function that somebody waits for takes and answers. Source: AWS Lambda quotas, read 2026-11. */
export const maxEventBytes = 6 * 1024 * 1024;
const maxAnswerBytes = 6_291_556;

/** An error as Lambda tells it to whoever called the function. */
export class FunctionError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface DeployedFunction {
  /** Such as `batchdrop-poll`. */
  name: string;
  /** The package. */
  folder: string;
  /** What the template and Lambda give it; nothing of ours but PATH. */
  environment: Record<string, string>;
}

interface Invocation {
  id: string;
  event: string;
  timeoutMs: number;
  resolve(answer: string): void;
  reject(error: Error): void;
}

/**
 * One process of a function, as Lambda runs it: it takes one event at a time from the runtime API, is killed when its time is
 * over, and is frozen between two events.
 */
export class ExecutionEnvironment {
  readonly #function: DeployedFunction;
  readonly #onOutput: (text: string) => void;
  readonly #server: Server;
  #process: ChildProcess | null = null;
  /** The process asks for an event. */
  #asking: ServerResponse | null = null;
  #current: Invocation | null = null;
  /** It was killed, or has ended by itself. */
  #isOver = false;

  constructor(deployed: DeployedFunction, onOutput: (text: string) => void) {
    this.#function = deployed;
    this.#onOutput = onOutput;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<void> {
    const url = await listenOnLoopback(this.#server, 0);
    const { folder, environment } = this.#function;
    this.#process = spawn(process.execPath, [join(import.meta.dirname, 'bootstrap.ts')], {
      cwd: folder,
      env: { PATH: process.env.PATH, ...environment, AWS_LAMBDA_RUNTIME_API: new URL(url).host },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', this.#onOutput);
    this.#process.once('exit', (code, signal) => this.#exited(signal ?? `exit status ${code}`));
  }

  get isAlive(): boolean {
    return !this.#isOver && this.#process?.exitCode === null;
  }

  /** @throws FunctionError, FunctionTimedOutError */
  run(event: string, timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#current = { id: randomUUID(), event, timeoutMs, resolve, reject };
      this.#handOver();
    });
  }

  async close(): Promise<void> {
    this.#process?.kill('SIGKILL');
    await closeServer(this.#server);
  }

  /** The time begins when the process has taken the event. */
  #handOver(): void {
    const [asking, current] = [this.#asking, this.#current];
    if (!asking || !current) return;
    this.#asking = null;
    this.#process?.kill('SIGCONT');
    const { id, event, timeoutMs } = current;
    const hex = (digits: number) => randomUUID().replaceAll('-', '').slice(0, digits);
    asking.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': Date.now() + timeoutMs,
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${this.#function.name}`,
      'lambda-runtime-trace-id': `Root=1-${hex(8)}-${hex(24)};Parent=${hex(16)};Sampled=1`,
    });
    asking.end(event);
    setTimeout(() => this.#timeOut(current), timeoutMs).unref();
  }

  #timeOut({ id, timeoutMs }: Invocation): void {
    if (this.#current?.id !== id) return;
    this.#isOver = true;
    this.#process?.kill('SIGKILL');
    this.#end(({ reject }) => reject(new FunctionTimedOutError(id, timeoutMs / 1_000)));
  }

  #exited(how: string): void {
    this.#isOver = true;
    this.#end(({ id, reject }) => {
      const message = `RequestId: ${id} Error: Runtime exited with error: ${how}`;
      reject(new FunctionError('Runtime.ExitError', message));
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (path.endsWith('/invocation/next')) return this.#next(response);
    const body = await text(request);
    const isOver = !path.includes(`/invocation/${this.#current?.id}/`);
    if (!isOver && path.endsWith('/response')) this.#end((current) => answer(current, body));
    if (!isOver && path.endsWith('/error')) this.#end(({ reject }) => reject(errorOf(body)));
    response.writeHead(isOver ? 400 : 202).end();
  }

  #next(response: ServerResponse): void {
    this.#asking = response;
    if (this.#current) this.#handOver();
    else this.#process?.kill('SIGSTOP');
  }

  #end(tell: (invocation: Invocation) => void): void {
    const current = this.#current;
    this.#current = null;
    if (current) tell(current);
  }
}

function answer({ resolve, reject }: Invocation, body: string): void {
  const message = `Response payload size exceeded maximum allowed payload size (${maxAnswerBytes} bytes).`;
  if (Buffer.byteLength(body) <= maxAnswerBytes) resolve(body);
  else reject(new FunctionError('Function.ResponseSizeTooLarge', message));
}

function errorOf(body: string): Error {
  const { errorType, errorMessage } = JSON.parse(body);
  return new FunctionError(errorType, errorMessage);
}
