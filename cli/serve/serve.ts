import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { TargetOptions } from '../../lib/client/target.ts';
import type { CallerKind } from '../../lib/live/callers.ts';
import { Journal } from '../../lib/live/journal.ts';
import { assertGatherOptions, folderName, journalFolder, LiveRun } from '../../lib/live/live-run.ts';
import { type LiveServer, type OtherCalls, serveLive } from '../../lib/live/server.ts';
import { LiveTarget } from '../../lib/live/target.ts';
import { digest } from '../../lib/records/digest.ts';
import { asPortError } from '../../local/loopback-server.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import { findLocalStack } from '../transport/local-stack.ts';
import { usualRun } from './journal-commands.ts';
import { batchCallsFor, passingThrough } from './other-calls.ts';
import { usualServePort } from './serve-command.ts';
import { createServeDisplay, type ServeDisplay } from './serve-display.ts';

export interface ServeFlags {
  provider?: string;
  url?: string;
  apiKey?: string;
  port?: number;
  run?: string;
  journal?: string;
  gather?: number;
  maxGather?: number;
  maxBatchRequests?: number;
  maxAttempts?: number;
  maxCostUsd?: number;
  hold?: number;
  poll?: number;
  interim: 'auto' | 'none';
  allowLive?: boolean;
  passThrough?: boolean;
  readyFile?: string;
  json?: boolean;
}

/** Serves until it is stopped, or until its command has ended. */
export async function serve(words: readonly string[], flags: ServeFlags): Promise<void> {
  const name = flags.run === undefined ? runNameOf(words) : folderName(flags.run);
  if (flags.readyFile) rmSync(flags.readyFile, { force: true });
  const target = new LiveTarget(await targetOptions(flags), { maxAttempts: flags.maxAttempts });
  assertLiveFlags(target, flags);
  const gather = gatherOptions(flags);
  assertGatherOptions(gather);
  const folder = resolve(flags.journal ?? journalFolder(name));
  const journal = Journal.open(folder, { pid: process.pid, url: null }, Date.now());
  const display = createServeDisplay({ json: flags.json === true, hasCommand: words.length > 0 });
  const failed = Promise.withResolvers<void>();
  const run = new LiveRun({
    ...gather,
    name,
    journal,
    maxCostUsd: flags.maxCostUsd,
    onChange: () => display.changed(run),
    onFailure: () => failed.resolve(),
  });
  const server = await listen(run, target, flags, words.length > 0, display.caller).catch(async (error: unknown) => {
    await run.close();
    throw error;
  });
  await target.assertNoCircle().catch(async (error: unknown) => {
    await server.close();
    await run.close();
    throw error;
  });
  journal.tellOwner({ pid: process.pid, url: server.url });
  run.attach(target);
  display.begun({ url: server.url, target: target.name, run: name, folder, live: liveNoteOf(flags) });
  if (flags.readyFile) writeReady(flags.readyFile, server.url);
  const ending = new Ending(run, server, display, flags.readyFile);
  if (words.length > 0) await ending.afterCommand(words);
  else await ending.afterSignal(failed.promise);
}

/** @throws CommandError where live calls cannot be made, or would pass a cap unseen. */
function assertLiveFlags({ kind, name }: LiveTarget, { allowLive, passThrough, maxCostUsd }: ServeFlags): void {
  if (!allowLive && !passThrough) return;
  const flag = allowLive ? '--allow-live' : '--pass-through';
  if (kind === null)
    throw new CommandError(
      exitStatus.invalid,
      `${flag} needs a provider (--provider openai): ${name} makes no live calls.`,
    );
  if (maxCostUsd === undefined) return;
  const message = `${flag} cannot stand with --max-cost-usd: nobody counts what live calls cost. Leave one of them out.`;
  throw new CommandError(exitStatus.invalid, message);
}

/** What costs the full price; null for nothing. */
function liveNoteOf({ allowLive, passThrough }: ServeFlags): string | null {
  const which = [
    ...(allowLive ? ['calls that no batch can hold'] : []),
    ...(passThrough ? ['calls of every other path'] : []),
  ];
  return which.length === 0 ? null : `Made live, at full price: ${which.join(' and ')}.`;
}

/** What is done with calls that are none of a batch. */
function otherCallsOf(target: LiveTarget, { passThrough }: ServeFlags): OtherCalls | undefined {
  if (target.kind === null) return batchCallsFor(target);
  return passThrough ? passingThrough(target) : undefined;
}

/** A name of its own for each command, so that the same command finds its answers again. Later words may hold secrets. */
function runNameOf(words: readonly string[]): string {
  if (words.length === 0) return usualRun;
  const plain = words
    .slice(0, 2)
    .map((word) => basename(word))
    .join('-')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 60)
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${plain || 'command'}-${digest(...words).slice(0, 8)}`;
}

/** @throws CommandError where nothing says where to send. */
async function targetOptions(flags: ServeFlags): Promise<TargetOptions> {
  const key = flags.apiKey === undefined ? {} : { apiKey: flags.apiKey };
  if (flags.provider !== undefined && flags.url === undefined) return { provider: flags.provider, ...key };
  const routed = flags.provider === undefined ? {} : { provider: flags.provider };
  const url = flags.url ?? process.env.BATCHDROP_URL;
  if (url) return { deployment: url, ...key, ...routed };
  const stack = await findLocalStack();
  if (!stack)
    throw new CommandError(
      exitStatus.unreachable,
      'Nothing says where to send: set BATCHDROP_URL and BATCHDROP_API_KEY, start a local stack (`batchdrop start`), or name a provider (--provider openai).',
    );
  const apiKey = flags.apiKey ?? stack.apiKey ?? process.env.BATCHDROP_API_KEY;
  return { deployment: stack.url, ...(apiKey && { apiKey }) };
}

function gatherOptions({ gather, maxGather, maxBatchRequests, maxAttempts, poll }: ServeFlags) {
  return {
    ...(gather !== undefined && { gatherSeconds: gather }),
    ...(maxGather !== undefined && { maxGatherSeconds: maxGather }),
    ...(maxBatchRequests !== undefined && { maxBatchRequests }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(poll !== undefined && { pollIntervalSeconds: poll }),
  };
}

async function listen(
  run: LiveRun,
  target: LiveTarget,
  flags: ServeFlags,
  hasCommand: boolean,
  onCaller: (kind: CallerKind) => void,
): Promise<LiveServer> {
  const port = flags.port ?? (hasCommand ? 0 : usualServePort);
  try {
    return await serveLive({
      run,
      target,
      port,
      sendsInterim: flags.interim === 'auto',
      holdSeconds: flags.hold,
      allowsLive: flags.allowLive === true,
      others: otherCallsOf(target, flags),
      onCaller,
    });
  } catch (error) {
    throw asPortError(error, port);
  }
}

/** Whole, or not there at all. */
function writeReady(path: string, url: string): void {
  const draft = `${path}.${process.pid}`;
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(draft, `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ends the server: what is under way stays in the journal and at the target. */
class Ending {
  readonly #run: LiveRun;
  readonly #server: LiveServer;
  readonly #display: ServeDisplay;
  readonly #readyFile: string | undefined;

  constructor(run: LiveRun, server: LiveServer, display: ServeDisplay, readyFile: string | undefined) {
    this.#run = run;
    this.#server = server;
    this.#display = display;
    this.#readyFile = readyFile;
  }

  /** @param failed when the run cannot go on. */
  async afterSignal(failed: Promise<void>): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      for (const signal of stopSignals) process.once(signal, () => resolve());
    });
    await Promise.race([stopped, failed]);
    await this.#close();
  }

  /** Runs a program and ends with it, with its exit status. One that ended well asks anew the next time. */
  async afterCommand(words: readonly string[]): Promise<void> {
    const name = randomUUID().slice(0, 8);
    const pass = this.#run.pass(name);
    try {
      const status = await commandStatus(words, environmentFor(`${this.#server.url}/run/${this.#run.name}.${name}`));
      await this.#server.close();
      if (status === 0 && this.#run.failure === null) this.#run.journal.endPass(pass, Date.now());
      process.exitCode = status;
    } finally {
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    if (this.#readyFile) rmSync(this.#readyFile, { force: true });
    await this.#server.close();
    const { failure } = this.#run;
    if (failure === null) this.#display.ended(this.#run.state());
    await this.#run.close();
    if (failure !== null) throw new CommandError(exitStatus.someFailed, failure.message);
  }
}

/** The official clients read these; a key that is set stays, since it tells one caller from another. */
function environmentFor(root: string): NodeJS.ProcessEnv {
  const { BATCHDROP_API_KEY: _pays, ...others } = process.env;
  return {
    OPENAI_API_KEY: 'batchdrop-stand-in',
    ANTHROPIC_API_KEY: 'batchdrop-stand-in',
    ...others,
    OPENAI_BASE_URL: `${root}/v1`,
    ANTHROPIC_BASE_URL: root,
  };
}

/** @throws CommandError where there is no such program. */
async function commandStatus([program = '', ...words]: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(program, words, { stdio: 'inherit', env });
  const stopForwarding = forwardSignals(child);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => {
        const message = `The command ${program} cannot be started: ${cause.message}`;
        reject(new CommandError(exitStatus.invalid, message, { cause }));
      });
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? exitStatus.interrupted : 143)));
    });
  } finally {
    stopForwarding();
  }
}

/** Ctrl-C reaches the command from the terminal itself; here it only must not end the server first. */
function forwardSignals(child: ChildProcess): () => void {
  const forward = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of stopSignals) process.on(signal, forward);
  return () => {
    for (const signal of stopSignals) process.off(signal, forward);
  };
}
