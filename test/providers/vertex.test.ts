import { expect, it } from 'vitest';
import { connectClient } from '../../lib/providers/connect.ts';
import { providers } from '../../lib/providers/registry.ts';
import { NotFoundError } from '../../lib/records/errors.ts';
import {
  apiKey,
  connect,
  ended,
  noAbort,
  resultsOf,
  sendingOf,
  settingsFor,
  submit,
} from './support/connected-provider.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

const texts = ['a', '[[refuse]]', 'c', 'd', 'e', 'f', 'g'];

/** A job with so many files of results, and a client whose lists of them are changed on the way. */
async function jobWith(outputFiles: number, change: (names: string[]) => string[]) {
  const { simulator, client } = await connect('vertex', { outputFiles });
  const changing: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const path = new URL(String(input)).pathname;
    if (!path.endsWith('/o') || init?.method === 'POST') return response;
    const { items = [] } = (await response.json()) as { items?: { name: string }[] };
    return Response.json({ items: change(items.map(({ name }) => name)).map((name) => ({ name })) });
  };
  const settings = settingsFor('vertex', simulator.url, async () => apiKey);
  const changed = connectClient(providers.vertex, { ...settings, clientOptions: { fetch: changing } });
  const sending = sendingOf('vertex', texts);
  const id = await submit({ simulator, client }, sending);
  const connection = { simulator, client: changed };
  return { connection, sending, batch: await ended(connection, id) };
}

async function idsIn({ connection, sending, batch }: Awaited<ReturnType<typeof jobWith>>): Promise<unknown[]> {
  const results = await resultsOf('vertex', connection, batch, sending);
  return results.map((result) => (result.kind === 'answered' ? result.position : result)).toSorted();
}

const everyId = texts.map((_, position) => position);

it.each([1, 3])('reads every result once, from %i files', async (outputFiles) => {
  const job = await jobWith(outputFiles, (names) => names);

  expect(job.batch).toMatchObject({ phase: 'completed', expectedResults: texts.length });
  expect(job.batch.resultRefs).toHaveLength(outputFiles);
  expect(await idsIn(job)).toEqual(everyId);
});

it('asks for the files that a list leaves out where the others name them, and for no others', async () => {
  const job = await jobWith(3, (names) => [
    ...names.slice(0, 2),
    `${names[0]?.replace(/[^/]*$/, '')}prediction.errors_stats-00000-of-00001`,
    `${names[0]?.replace(/[^/]*$/, '')}other.jsonl`,
  ]);

  expect(await idsIn(job)).toEqual(everyId);
});

it('reads what is listed before what is only promised', async () => {
  const job = await jobWith(3, (names) => names.filter((name) => !name.includes('-00001-of-')));

  expect(job.batch.resultRefs).toHaveLength(3);
  expect(job.batch.resultRefs[2]).toContain('-00001-of-');
  expect(await idsIn(job)).toEqual(everyId);
});

it('says so where a file is gone that the others name', async () => {
  const job = await jobWith(3, (names) => names.map((name) => name.replace('-of-00003', '-of-00004')).slice(0, 1));
  const [first, ...others] = job.batch.resultRefs;

  expect(first).toMatch(/-of-00004\.jsonl$/);
  expect(others).toHaveLength(3);
  const gone = job.connection.client.results(job.batch, others[0] ?? '', noAbort);
  await expect(Array.fromAsync(gone)).rejects.toThrow(NotFoundError);
});

it('expects all that is counted where its output shows no file at all', async () => {
  const job = await jobWith(1, () => []);

  expect(job.batch).toMatchObject({ resultRefs: [], expectedResults: texts.length });
});

it('tells a line by its label where the custom_id does not come back', () => {
  const request = { labels: { batchdrop_line: lineId }, contents: [] };
  const response = { candidates: [{ content: { parts: [{ text: 'The Elbe.' }] }, finishReason: 'STOP' }] };
  const line = JSON.stringify({ status: '', request, response });

  const result = providers.vertex.translateResult(Buffer.from(line), answered());

  expect(result).toMatchObject({ kind: 'answered', succeeded: true });
  expect(resultLine(result)).toMatchObject({ custom_id: 'mine' });
});
