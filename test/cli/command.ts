import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

export const root = new URL('../../', import.meta.url).pathname;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** Standard input. */
  input?: string;
}

/** Nothing of the tester's own environment decides where a command goes. */
const foreign = /^(BATCHDROP_|AWS_|OPENAI_|ANTHROPIC_|CI$|NO_COLOR$|FORCE_COLOR$)/;

function environment(added: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return {
    ...Object.fromEntries(own),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    ...added,
  };
}

/** Runs the command line as its users do, as a process of its own. */
export function commandIn(folder: string, args: readonly string[], { env = {}, input }: RunOptions = {}) {
  const child = spawn(process.execPath, [`${root}cli/main.ts`, ...args], {
    cwd: folder,
    env: environment({ AWS_EC2_METADATA_DISABLED: 'true', ...env }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined); // a command that has seen enough
  child.stdin.end(input ?? '');
  const ended: Promise<Ended> = Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr]) => ({ code: child.exitCode, stdout, stderr }),
  );
  return { child, ended };
}

export async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  try {
    for await (const chunk of stream) text += chunk;
  } catch {
    // A reader that has seen enough.
  }
  return text;
}

/** Gives a command a terminal of its own; part of util-linux. */
const recorder = 'script';

/** The same on a terminal of some columns, by util-linux's `script`; standard output and standard error come as one there. */
export async function onTerminal(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
  columns = 120,
) {
  const words = [process.execPath, `${root}cli/main.ts`, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn(recorder, ['-qec', `stty cols ${columns} rows 40; ${words}`, '/dev/null'], {
    cwd: folder,
    env: environment({ TERM: 'xterm-256color', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [raw] = await Promise.all([textOf(child.stdout), once(child, 'close')]);
  return { code: child.exitCode, raw, text: stripVTControlCharacters(raw) };
}

/** Runs a command on a terminal until it shows something, and ends it as Ctrl-C does. */
export async function shownOnTerminal(folder: string, args: readonly string[], wanted: RegExp): Promise<string> {
  const words = [process.execPath, `${root}cli/main.ts`, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn(recorder, ['-qec', `stty cols 120 rows 40; exec ${words}`, '/dev/null'], {
    cwd: folder,
    env: environment({ TERM: 'xterm-256color' }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined); // it has ended already
  const ended = once(child, 'close');
  let shown = '';
  child.stdout.on('data', (text) => {
    shown += text;
    if (wanted.test(stripVTControlCharacters(shown))) child.stdin.write('\u0003');
  });
  await ended;
  return stripVTControlCharacters(shown);
}

export interface Ready {
  apiUrl: string;
  s3Url: string;
  apiKey: string;
}

/** Starts a stack in a folder and waits until it is up. */
export async function startIn(folder: string, env: Record<string, string> = {}) {
  const { child, ended } = commandIn(folder, ['start', '--port', '0', '--s3-port', '0'], { env });
  const path = join(folder, '.batchdrop/ready.json');
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  while (!existsSync(path)) {
    if (hasEnded) throw new Error(`The stack did not start: ${(await ended).stderr}`);
    await sleep(20);
  }
  const ready: Ready = JSON.parse(readFileSync(path, 'utf8'));
  return { child, ended, ready };
}

/** A request line for the simulated OpenAI, unless it says otherwise. */
export function requestLine(customId: string, body: object = {}): string {
  const messages = [{ role: 'user', content: `Say ${customId}.` }];
  const whole = { model: 'gpt-5-mini', max_completion_tokens: 50, messages, ...body };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body: whole });
}
