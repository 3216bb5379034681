import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { batching, closeBatching } from '../../lib/live/index.ts';
import { ask, quick, type Serving, startServing, startUpstream, temporaryFolder, until } from './live-harness.ts';

const failed = { status: 500, code: 'run_failed' };

/** Another program holds the database, so that no write goes through. */
function held(folder: string): () => void {
  const database = new DatabaseSync(join(folder, 'journal.sqlite'));
  database.exec('BEGIN IMMEDIATE');
  return () => database.close();
}

async function startAgain(serving: Serving): Promise<void> {
  await serving.stop();
  serving.upstream.finish();
  serving.upstream.isQuick = true;
  await serving.start();
}

it('that fails when answers come ends the run, tells its callers, and loses nothing', async () => {
  const serving = await startServing();
  const { upstream, run, folder } = serving;
  upstream.isQuick = false;
  const asked = ask(serving.client(), 'answered');
  await until(() => run.state().batches[0]?.step === 'created');
  const release = held(folder);
  upstream.finish();

  await expect(asked).rejects.toMatchObject({
    ...failed,
    message: expect.stringContaining(`The journal in ${folder} cannot be used any more: database is locked`),
  });
  await expect(ask(serving.client(), 'later')).rejects.toMatchObject(failed);
  release();
  await startAgain(serving);
  await expect(ask(serving.client(), 'answered')).resolves.toBe('answered #1');
  expect(upstream.paid).toEqual(['answered']);
});

it('that fails when a batch is begun ends the run before anything is sent', async () => {
  const serving = await startServing({ gatherSeconds: 0.5 });
  const asked = ask(serving.client(), 'gathered');
  await until(() => serving.run.state().gathered === 1);
  const release = held(serving.folder);

  await expect(asked).rejects.toMatchObject(failed);
  expect(serving.upstream.paid).toEqual([]);
  release();
  await startAgain(serving);
  await expect(ask(serving.client(), 'gathered')).resolves.toBe('gathered #1');
});

it('that fails when a caller hangs up ends the run, and tells the others', async () => {
  const serving = await startServing();
  const { upstream, run, folder } = serving;
  upstream.isQuick = false;
  const gone = new AbortController();
  const leaves = ask(serving.client(), 'leaves', { signal: gone.signal }).catch(() => 'gone');
  const stays = ask(serving.client(), 'stays');
  await until(() => run.state().batches[0]?.step === 'created');
  const release = held(folder);
  gone.abort();

  await expect(stays).rejects.toMatchObject(failed);
  expect(await leaves).toBe('gone');
  release();
  await startAgain(serving);
  const answers = await Promise.all(['leaves', 'stays'].map((prompt) => ask(serving.client(), prompt)));
  expect(answers.map((answer) => answer.split(' ')[0])).toEqual(['leaves', 'stays']);
  expect(upstream.paid).toHaveLength(2);
});

it('that fails within a stream says so as an event of its endpoint', async () => {
  const serving = await startServing();
  serving.upstream.isQuick = false;
  const messages = [{ role: 'user' as const, content: 'streamed' }];
  const stream = await serving.client().chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true });
  await until(() => serving.run.state().batches[0]?.step === 'created');
  const release = held(serving.folder);
  serving.upstream.finish();

  await expect(Array.fromAsync(stream)).rejects.toMatchObject({ code: 'run_failed' });
  release();
});

it('that fails rejects the calls of batching()', async () => {
  const upstream = await startUpstream();
  upstream.isQuick = false;
  const journal = temporaryFolder();
  onTestFinished(closeBatching);
  const { fetch: gathered } = batching({
    ...quick,
    provider: 'openai',
    apiKey: 'sk-x',
    apiBase: upstream.url,
    run: 'failing',
    journal,
  });
  const asked = gathered('https://api.openai.com/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x' }] }),
  });
  await until(() => upstream.paid.length === 1);
  const release = held(journal);
  upstream.finish();
  const answer = await asked;

  expect(answer.status).toBe(500);
  expect(answer.headers.get('x-should-retry')).toBe('false');
  expect(await answer.json()).toMatchObject({ error: { code: 'run_failed' } });
  release();
});
