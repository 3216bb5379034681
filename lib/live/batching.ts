import { randomUUID } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { assertKnownOptions } from '../client/known-options.ts';
import { type TargetOptions, targetOptionNames } from '../client/target.ts';
import { digest } from '../records/digest.ts';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { errorBody, RefusedCallError } from './answer.ts';
import { responseOf } from './delivery.ts';
import { Journal, type KeptAnswer, type Pass } from './journal.ts';
import { endpointOfPath, type LiveCall, type LiveEndpoint, readLiveCall } from './live-call.ts';
import {
  assertAboveZero,
  assertGatherOptions,
  folderName,
  type GatherOptions,
  gatherOptionNames,
  journalFolder,
  LiveRun,
  type Ticket,
} from './live-run.ts';
import { LiveTarget } from './target.ts';

/** Where the calls go as batches, and how they are gathered. */
export interface BatchingOptions extends Omit<TargetOptions, 'signal'>, GatherOptions {
  /**
   * Names what this program does. A program that was stopped and starts again under this name gets the answers that it had, and
   * those that came meanwhile. Default: the script's path.
   */
  run?: string;
  /** Folder of the run's journal. Default: `.batchdrop/live/<run>`. */
  journal?: string;
  /** What the run may cost in US dollars, all its starts together; calls beyond it get a 429. */
  maxCostUsd?: number;
}

const { signal: _ofOneCall, ...targetNames } = targetOptionNames;

const batchingOptionNames = {
  ...targetNames,
  ...gatherOptionNames,
  run: true,
  journal: true,
  maxCostUsd: true,
} as const;

/** What the official clients of OpenAI and Anthropic are constructed with. */
export interface BatchingClientOptions {
  /** Answers a live call with what a batch gave for it. */
  fetch: typeof fetch;
  /** Milliseconds: a batch takes up to 24 hours. */
  timeout: number;
  /** What failed is repeated behind the fetch, where it is known what was paid for. */
  maxRetries: number;
  /** A stand-in: the key that pays is the target's. */
  apiKey: string;
}

/** A batch ends within 24 hours; an hour more is for what surrounds it. */
const clientTimeoutMs = 25 * 3_600_000;

/**
 * Options for an official client whose live calls are then gathered into batches:
 * `new OpenAI(batching({ run: 'label-reviews' }))`, `new Anthropic(batching())`.
 *
 * Every call is written down before it counts as taken, so a program that dies and starts again goes on where it was. Batches go to
 * `deployment` (default `BATCHDROP_URL`), or straight to a `provider`.
 *
 * @throws InvalidInputError, NotSupportedError, AuthenticationError for a target that is none.
 * @throws ConflictError where another process works on the run.
 */
export function batching(options: BatchingOptions = {}): BatchingClientOptions {
  assertKnownOptions(options, batchingOptionNames);
  assertGatherOptions(options);
  assertAboveZero('maxCostUsd', options.maxCostUsd);
  const { run: runName, journal, ...rest } = options;
  const name = runName === undefined ? scriptName() : folderName(runName);
  const target = new LiveTarget(targetPart(rest), { maxAttempts: rest.maxAttempts });
  const program = programFor(name, journal ?? journalFolder(name), rest);
  program.run.attach(target);
  return {
    fetch: (input, init) => answerCall(program, target, new Request(input, init)),
    timeout: clientTimeoutMs,
    maxRetries: 0,
    apiKey: 'batchdrop-stand-in',
  };
}

function targetPart(options: BatchingOptions): TargetOptions {
  const names = Object.keys(targetNames);
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/** The script's name, and what tells it from another of that name elsewhere. */
function scriptName(): string {
  const script = process.argv[1];
  if (script === undefined)
    throw new InvalidInputError('missing_run', 'Name the run, since there is no script: batching({ run: ... }).', {
      param: 'run',
    });
  const path = resolve(script);
  const plain = basename(path)
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 60);
  return `${plain.replace(/^[^A-Za-z0-9]+/, '') || 'script'}-${digest(path).slice(0, 8)}`;
}

/** This process, as far as it makes calls for a run. */
interface Program {
  run: LiveRun;
  pass: Pass;
  options: SharedOptions;
}

/** What all clients of a run have in common. */
type SharedOptions = GatherOptions & Pick<BatchingOptions, 'maxCostUsd'>;

/** By the journal's folder: the clients of one program share its run. */
const programs = new Map<string, Program>();

function programFor(name: string, folder: string, options: SharedOptions): Program {
  const key = resolve(folder);
  const shared = sharedPart(options);
  const known = programs.get(key);
  if (known) return sameGathering(known, name, shared);
  const journal = Journal.open(key, { pid: process.pid, url: null }, Date.now());
  const run = new LiveRun({ ...shared, name, journal });
  const program = { run, pass: run.pass(randomUUID()), options: shared };
  programs.set(key, program);
  process.once('exit', (code) => {
    if (programs.get(key) === program) endProgram(program, code);
  });
  return program;
}

/** The clients of one program share a run, so they cannot gather in two ways. */
function sameGathering(program: Program, name: string, options: SharedOptions): Program {
  const begun = new Map(Object.entries(program.options));
  const other = Object.entries(options).find(([option, value]) => begun.get(option) !== value);
  if (other === undefined) return program;
  const [option, value] = other;
  const message = `The run '${name}' was begun with ${option} ${begun.get(option) ?? 'at its default'}, not ${value}. Give the same, or name another run.`;
  throw new InvalidInputError('invalid_option', message, { param: option });
}

function sharedPart(options: SharedOptions): SharedOptions {
  const names = [...Object.keys(gatherOptionNames), 'maxCostUsd'];
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/** A program that ends without an error, and got an answer to each call, asks anew when it is started again. */
function endProgram({ run, pass }: Program, exitCode: number): void {
  run.stop();
  try {
    if (exitCode === 0 && run.failure === null) run.journal.endPass(pass, Date.now());
    run.journal.close();
  } catch (error) {
    // It counts as a pass that did not end well, and is repeated from the journal.
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}

async function answerCall(program: Program, target: LiveTarget, request: Request): Promise<Response> {
  const path = new URL(request.url).pathname;
  const endpoint = request.method === 'POST' ? endpointOfPath(path) : null;
  if (endpoint === null) return refusedResponse(null, notGathered(request.method, path));
  try {
    await target.assertNoCircle();
    const body = Buffer.from(await request.arrayBuffer());
    const call = readLiveCall(endpoint, body, (name) => request.headers.get(name));
    return await new Answering(program, target, call, request.signal).response();
  } catch (error) {
    if (error instanceof RefusedCallError) return refusedResponse(endpoint, error);
    throw error;
  }
}

function notGathered(method: string, path: string): RefusedCallError {
  const message = `${method} ${path} cannot be gathered into batches, and would have been a live call at full price. Make it with a client without batching().`;
  return new RefusedCallError(404, 'unknown_endpoint', message);
}

function refusedResponse(endpoint: LiveEndpoint | null, { failure }: RefusedCallError): Response {
  const headers = { 'content-type': 'application/json', 'x-should-retry': 'false' };
  return new Response(new Uint8Array(errorBody(endpoint, failure)), { status: failure.status, headers });
}

/** One call of this program. */
class Answering {
  readonly #call: LiveCall;
  readonly #signal: AbortSignal;
  readonly #program: Program;
  readonly #target: LiveTarget;

  constructor(program: Program, target: LiveTarget, call: LiveCall, signal: AbortSignal) {
    this.#program = program;
    this.#target = target;
    this.#call = call;
    this.#signal = signal;
  }

  async response(): Promise<Response> {
    this.#signal.throwIfAborted();
    const { promise, resolve: answered, reject } = Promise.withResolvers<KeptAnswer>();
    const { run, pass } = this.#program;
    let ticket: Ticket | undefined;
    const abort = () => {
      ticket?.left();
      reject(this.#signal.reason);
    };
    try {
      const replaced = () => reject(new Error('Another call of this program waits for the answer in its place.'));
      ticket = run.take(this.#call, this.#target, pass, { answered, replaced, failed: reject });
      this.#signal.addEventListener('abort', abort);
      const response = responseOf(this.#call, await promise);
      ticket.delivered();
      return response;
    } finally {
      this.#signal.removeEventListener('abort', abort);
    }
  }
}

/** Ends every run of this process in order, which an exit does by itself. For tests, and for programs that never end. */
export async function closeBatching(): Promise<void> {
  const all = [...programs.values()];
  programs.clear();
  for (const { run } of all) await run.close().catch((error: unknown) => console.error(messageOf(error)));
}
