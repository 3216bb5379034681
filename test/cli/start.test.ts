import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-start-'));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command line as `npm start` does, in a folder of its own. */
function run(...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const { OPENAI_API_KEY: _openai, ANTHROPIC_API_KEY: _anthropic, CI: _ci, ...environment } = process.env;
  const child = spawn(
    process.execPath,
    ['--require', `${root}scripts/require-node-24.cjs`, `${root}cli/main.ts`, ...args],
    { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  children.push(child);
  const ended = Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr]) => ({ code: child.exitCode, stdout, stderr }),
  );
  return { child, ended };
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += chunk;
  return text;
}

function start(...args: string[]) {
  return run('start', '--port', '0', '--s3-port', '0', '--ready-file', 'ready.json', ...args);
}

interface Ready {
  apiUrl: string;
  s3Url: string;
  apiKey: string;
}

async function untilReady(): Promise<Ready> {
  const path = join(folder, 'ready.json');
  while (!existsSync(path)) await sleep(20);
  return JSON.parse(readFileSync(path, 'utf8'));
}

describe('start', () => {
  it('writes a ready file, for its owner only, once everything answers', async () => {
    const { child } = start();
    const ready = await untilReady();
    expect(ready).toMatchObject({
      apiUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      s3Url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      bucket: 'batchdrop',
      apiKey: expect.stringMatching(/^sk-batchdrop-/),
      dataDir: join(folder, '.batchdrop'),
      pid: child.pid,
    });
    expect(JSON.parse(readFileSync(join(folder, '.batchdrop/ready.json'), 'utf8'))).toEqual(ready);
    expect(statSync(join(folder, '.batchdrop/ready.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'ready.json')).mode & 0o777).toBe(0o600);
    expect((await fetch(`${ready.apiUrl}/healthz`)).status).toBe(200);
    expect((await fetch(ready.s3Url)).status).toBeLessThan(500);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops cleanly on %s, also when npm sends it a second time',
    async (signal) => {
      const { child, ended } = start();
      await untilReady();
      const signalledAtMs = performance.now();
      child.kill(signal);
      child.kill(signal);
      expect(await ended).toMatchObject({ code: 0, stderr: '' });
      expect(performance.now() - signalledAtMs).toBeLessThan(5_000);
      expect(existsSync(join(folder, 'ready.json'))).toBe(false);
    },
  );

  it('says where to drop a file, and what is simulated', async () => {
    const { child, ended } = start();
    const { s3Url } = await untilReady();
    child.kill('SIGINT');
    const { stdout } = await ended;
    expect(stdout).toContain(
      `aws --endpoint-url ${s3Url} s3 cp ${root}examples/openai-chat.jsonl s3://batchdrop/inbox/`,
    );
    expect(stdout).toMatch(/Docs +http:\/\/127\.0\.0\.1:\d+\/docs/);
    expect(stdout).toMatch(/Data +\.batchdrop \([\d.]+ k?M?B\)/);
    expect(stdout).not.toContain('cost money');
    expect(stdout).toContain('openai: simulated (set OPENAI_API_KEY for the real one)');
  });

  it('prints an address of the console that signs in, and `console` prints another', async () => {
    const { child, ended } = start();
    const { apiUrl, apiKey } = await untilReady();
    const printed = await run('console').ended;
    const byJson = await run('console', '--json', '--url', apiUrl, '--api-key', apiKey).ended;
    child.kill('SIGINT');
    const address = /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/m;
    expect((await ended).stdout.replaceAll(/^ +/gm, '')).toMatch(address);
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(address) });
    expect(JSON.parse(byJson.stdout)).toEqual({ url: expect.stringContaining(`${apiUrl}/#token=`), signs_in: true });
  });

  it('--reset begins afresh, and touches no other folder', async () => {
    const first = start();
    const before = await untilReady();
    first.child.kill('SIGTERM');
    await first.ended;
    start('--reset');
    expect((await untilReady()).apiKey).not.toBe(before.apiKey);
    mkdirSync(join(folder, 'mine'));
    writeFileSync(join(folder, 'mine/thesis.txt'), 'years of work');
    const other = await run('start', '--data-dir', 'mine', '--reset', '--port', '0', '--s3-port', '0').ended;
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was removed') });
    expect(existsSync(join(folder, 'mine/thesis.txt'))).toBe(true);
  });

  it('can follow a killed one on the same folder', async () => {
    const first = start();
    await untilReady();
    first.child.kill('SIGKILL');
    await first.ended;
    rmSync(join(folder, 'ready.json'));
    start();
    expect((await fetch(`${(await untilReady()).apiUrl}/healthz`)).status).toBe(200);
  });
});

describe('start fails with one sentence', () => {
  async function expectSentence(ended: Promise<Ended>, sentence: string): Promise<void> {
    const { code, stderr } = await ended;
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  }

  it('while another one has the folder', async () => {
    start();
    await untilReady();
    const second = run('start', '--port', '0', '--s3-port', '0');
    await expectSentence(second.ended, 'is in use by another batchdrop');
  });

  it('for a port that is taken', async () => {
    start();
    const { port } = new URL((await untilReady()).s3Url);
    const second = run('start', '--data-dir', 'other', '--port', '0', '--s3-port', port);
    await expectSentence(second.ended, `Port ${port} of 127.0.0.1 is taken by another program`);
  });

  it('for a configuration that is not there, or not right', async () => {
    await expectSentence(start('--config', 'nowhere.json').ended, 'nowhere.json cannot be read');
    writeFileSync(join(folder, 'batchdrop.config.json'), '{"providers": {}}');
    await expectSentence(start().ended, 'providers: name at least one');
  });

  it('for a flag that makes no sense', async () => {
    await expectSentence(run('start', '--port', 'high').ended, 'from 0 to 65535');
    await expectSentence(run('start', '--nonsense').ended, 'Unknown option');
  });
});

it('start can say where it is as one line of JSON, without its key', async () => {
  const { child, ended } = start('--json');
  const ready = await untilReady();
  child.kill('SIGTERM');
  const { stdout } = await ended;
  expect(JSON.parse(stdout)).toMatchObject({ apiUrl: ready.apiUrl, s3Url: ready.s3Url });
  expect(stdout).not.toContain(ready.apiKey);
});
