import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { expect, it, onTestFinished } from 'vitest';
import { ask, startUpstream, temporaryFolder, until } from './live-harness.ts';
import type { Upstream } from './upstream.ts';

const root = join(import.meta.dirname, '../..');
const quick = ['--provider', 'openai', '--gather', '0.2', '--poll', '0.1'];

function environment(upstream: Upstream): NodeJS.ProcessEnv {
  const { BATCHDROP_URL: _none, ...env } = process.env;
  return { ...env, OPENAI_API_KEY: 'sk-pays', OPENAI_BASE_URL: upstream.url };
}

/** The server as a process of its own. */
async function startServer(
  folder: string,
  upstream: Upstream,
  more: readonly string[] = [],
  printed: string[] = [],
): Promise<{ child: ChildProcess; url: string }> {
  const readyFile = join(folder, 'ready.json');
  rmSync(readyFile, { force: true });
  const words = ['serve', ...quick, '--port', '0', '--ready-file', readyFile, '--json', ...more];
  const child = spawn(process.execPath, [join(root, 'cli/main.ts'), ...words], {
    cwd: folder,
    env: environment(upstream),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => printed.push(String(text)));
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(() => existsSync(readyFile) || child.exitCode !== null);
  const { url, pid } = JSON.parse(readFileSync(readyFile, 'utf8'));
  expect(pid).toBe(child.pid);
  return { child, url };
}

/** Below those that systems give away by themselves, so that no server of another test gets it meanwhile. */
async function freePort(): Promise<number> {
  const server = createServer().listen(20_000 + (process.pid % 10_000), '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

it('a server that is killed at any moment goes on at the next start, and nothing is paid for twice', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  upstream.isQuick = false;
  const prompts = Array.from({ length: 20 }, (_, index) => `prompt ${index}`);
  let server = await startServer(folder, upstream);
  const client = () => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'sk-caller', maxRetries: 0 });
  const asked = () => Promise.allSettled(prompts.map((prompt) => ask(client(), prompt)));
  let answers = asked();
  await until(() => upstream.paid.length === 20);
  await killed(server.child);
  expect((await answers).every(({ status }) => status === 'rejected')).toBe(true);
  upstream.finish();

  server = await startServer(folder, upstream);
  answers = asked();
  const texts = (await answers).map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason),
  );

  expect(texts.map((text) => text.split(' #')[0])).toEqual(prompts);
  expect(upstream.paid).toHaveLength(20);
  await killed(server.child);
});

it('a program runs with its base URLs set, and is given what it had when it is started again', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  // As eval scripts do: plain fetch, three samples, and a fault at its end the first time.
  writeFileSync(
    join(folder, 'eval.mjs'),
    `const ask = () => fetch(process.env.OPENAI_BASE_URL + '/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer ' + process.env.OPENAI_API_KEY },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'sample' }] }),
    }).then((response) => response.json());
    const answers = await Promise.all([ask(), ask(), ask()]);
    console.log(JSON.stringify(answers.map(({ choices }) => choices[0].message.content)));
    process.exit(Number(process.env.EXIT));`,
  );
  const run = (exit: number) =>
    promisify(execFile)(
      process.execPath,
      [join(root, 'cli/main.ts'), 'serve', ...quick, '--', process.execPath, 'eval.mjs'],
      {
        cwd: folder,
        env: { ...environment(upstream), EXIT: String(exit) },
      },
    );
  const failed = await run(7).catch((error: { code: number; stdout: string }) => error);
  const again = await run(0);
  const anew = await run(0);

  expect('code' in failed && failed.code).toBe(7);
  expect(JSON.parse(again.stdout).toSorted()).toEqual(['sample #1', 'sample #2', 'sample #3']);
  expect(again.stdout).toBe(failed.stdout);
  expect(JSON.parse(anew.stdout).toSorted()).toEqual(['sample #4', 'sample #5', 'sample #6']);
});

it('a command that cannot be started ends the server, and says so', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  const started = promisify(execFile)(
    process.execPath,
    [join(root, 'cli/main.ts'), 'serve', ...quick, '--', 'no-such-program'],
    { cwd: folder, env: environment(upstream), timeout: 60_000 },
  );

  await expect(started).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('The command no-such-program cannot be started'),
  });
});

it('Ctrl-C before a batch went out: nothing was sent, the next start sends it once, and no key is written anywhere', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  const printed: string[] = [];
  const started = (gather: string) => startServer(folder, upstream, ['--gather', gather], printed);
  let { child, url } = await started('600');
  const client = () => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-caller', maxRetries: 0 });
  const asked = ask(client(), 'early').catch((error: unknown) => error);
  const state = async () => (await (await fetch(`${url}/status`)).json()) as { waiting: number };
  while ((await state()).waiting === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect(await asked).toBeInstanceOf(Error);
  expect(await ended).toEqual([0, null]);
  expect(upstream.paid).toEqual([]);

  ({ child, url } = await started('0.2'));
  await expect(ask(client(), 'early')).resolves.toBe('early #1');
  await killed(child);

  expect(upstream.paid).toEqual(['early']);
  expect(upstream.headers.map(({ authorization }) => authorization)).toEqual(
    upstream.headers.map(() => 'Bearer sk-pays'),
  );
  expect(printed.join('')).toContain('"event"');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name)).toString('latin1'));
  expect(written.some((text) => text.includes('early'))).toBe(true);
  for (const text of [...written, ...printed]) expect(text).not.toMatch(/sk-pays|sk-caller/);
});

it('listens on 8702 where no port is named, and says what to do where that is taken', async () => {
  const holder = createServer().listen(8_702, '127.0.0.1');
  // Where somebody else has it, it is taken as well.
  await Promise.race([once(holder, 'listening'), once(holder, 'error')]);
  const upstream = await startUpstream();
  const started = promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), 'serve', ...quick], {
    cwd: temporaryFolder(),
    env: environment(upstream),
    timeout: 60_000,
  });
  await expect(started).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Port 8702 .* is taken .* or 0 for a free one/),
  });
  holder.close();
});

it('a server whose journal fails ends, and says why and what to do', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  upstream.isQuick = false;
  const { child, url } = await startServer(folder, upstream);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-caller', maxRetries: 0 });
  const asked = ask(client, 'unwritten');
  await until(() => upstream.paid.length === 1);
  const database = new DatabaseSync(join(folder, '.batchdrop/live/serve/journal.sqlite'));
  database.exec('BEGIN IMMEDIATE');
  upstream.finish();

  await expect(asked).rejects.toMatchObject({ status: 500, code: 'run_failed' });
  expect(await ended).toBe(1);
  database.close();
});

it.each([
  [['--allow-live', '--url', 'http://127.0.0.1:9', '--api-key', 'x'], /--allow-live needs a provider/],
  [
    ['--pass-through', '--provider', 'openai', '--max-cost-usd', '5'],
    /--pass-through cannot stand with --max-cost-usd/,
  ],
])('flags that cannot be held are refused: %s', async (words, message) => {
  const { BATCHDROP_URL: _none, OPENAI_BASE_URL: _none2, ...env } = process.env;
  const started = promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), 'serve', ...words], {
    cwd: temporaryFolder(),
    env: { ...env, OPENAI_API_KEY: 'sk-x' },
    timeout: 60_000,
  });
  await expect(started).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});

it.each([
  ['OPENAI_BASE_URL', ['--provider', 'openai']],
  ['BATCHDROP_URL', []],
])('a server whose %s leads to itself ends at once, and says so', async (variable, words) => {
  const port = await freePort();
  const { BATCHDROP_URL: _none, OPENAI_BASE_URL: _none2, ...env } = process.env;
  const at = { OPENAI_API_KEY: 'sk-x', BATCHDROP_API_KEY: 'sk-x', [variable]: `http://127.0.0.1:${port}` };
  const serve = [join(root, 'cli/main.ts'), 'serve', '--port', String(port), ...words];
  const started = promisify(execFile)(process.execPath, serve, {
    cwd: temporaryFolder(),
    env: { ...env, ...at },
    timeout: 60_000,
  });
  const stderr = expect.stringMatching(`${variable} .* leads to batchdrop serve at`);
  await expect(started).rejects.toMatchObject({ code: 2, stderr });
});

it('each command has a run of its own, though their words end alike', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  const run = (model: string) =>
    promisify(execFile)(
      process.execPath,
      [join(root, 'cli/main.ts'), 'serve', ...quick, '--', process.execPath, '-e', '', model],
      { cwd: folder, env: environment(upstream) },
    );
  // Of two like commands at once the later one may be told that the run is in use.
  const [one, ...others] = await Promise.allSettled([run('one/model'), run('another/model'), run('another/model')]);
  expect(one?.status).toBe('fulfilled');
  expect(others.map(({ status }) => status)).toContain('fulfilled');

  expect(readdirSync(join(folder, '.batchdrop/live'))).toHaveLength(2);
});

it('a program with batching() that is killed and started again pays for each call once', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  upstream.isQuick = false;
  const library = pathToFileURL(join(root, 'lib/live/index.ts'));
  writeFileSync(
    join(folder, 'program.mjs'),
    `import { batching } from '${library}';
    const { fetch } = batching({ provider: 'openai', gatherSeconds: 0.2, pollIntervalSeconds: 0.1 });
    const ask = (content) => fetch('https://api.openai.com/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] }),
    }).then((response) => response.json());
    const answers = await Promise.all(['a', 'b', 'a', 'c'].map(ask));
    console.log(JSON.stringify(answers.map(({ choices }) => choices[0].message.content)));`,
  );
  const env = environment(upstream);
  const first = spawn(process.execPath, ['program.mjs'], { cwd: folder, env, stdio: 'ignore' });
  await until(() => upstream.paid.length === 4 || first.exitCode !== null);
  await killed(first);
  upstream.finish();
  const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder, env });

  expect(JSON.parse(stdout)).toEqual(['a #1', 'b #2', 'a #3', 'c #4']);
  expect(upstream.paid).toEqual(['a', 'b', 'a', 'c']);
});

it('says what a run is at, and lists the answers that nobody has fetched', async () => {
  const folder = temporaryFolder();
  const upstream = await startUpstream();
  upstream.isQuick = false;
  const { child, url } = await startServer(folder, upstream);
  const gone = new AbortController();
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-caller', maxRetries: 0 });
  const asked = ask(client, 'left', { signal: gone.signal }).catch(() => 'gone');
  await until(() => upstream.paid.length === 1);
  gone.abort();
  await asked;
  upstream.finish();
  const state = async () => (await (await fetch(`${url}/status`)).json()) as { unclaimed: number };
  while ((await state()).unclaimed === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const command = async (...words: string[]) =>
    (await promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), 'serve', ...words], { cwd: folder }))
      .stdout;

  expect(await command('status')).toContain('1 answers wait to be fetched: start the program again');
  expect(JSON.parse(await command('answers', '--unclaimed', '--json'))).toMatchObject({
    endpoint: '/v1/chat/completions',
    answer: { choices: [{ message: { content: 'left #1' } }] },
  });
  const second = promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), 'serve', ...quick, '--port', '0'], {
    cwd: folder,
    env: environment(upstream),
  });
  await expect(second).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      `worked on by process ${child.pid}, which serves at ${url}, already. Name another run`,
    ),
  });
  await killed(child);
});
