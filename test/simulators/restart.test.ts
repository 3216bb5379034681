import type { ChildProcess } from 'node:child_process';
import { expect, it } from 'vitest';
import type { CreationRecord } from '../../simulators/simulators.ts';
import {
  anthropicClient,
  chatLines,
  createBatch,
  download,
  messageRequests,
  openAIClient,
  readResults,
  spawnSimulators,
  startOpenAI,
  temporaryFolder,
  untilEnded,
  untilMessagesEnded,
  upload,
  visibleTiming,
} from './started-simulators.ts';

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.kill(signal);
  });
}

it('survives kill -9: batches, files, the log of creations and what is left of the faults', async () => {
  const dataDir = temporaryFolder();
  const first = await spawnSimulators(dataDir);
  const openai = openAIClient(first.ready.urls.openai);
  const faults = [
    { kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 },
    { kind: 'expired', times: 2 },
  ];
  await fetch(new URL('/__simulator/faults', first.ready.urls.openai), { method: 'PUT', body: JSON.stringify(faults) });
  await expect(createBatch(openai, chatLines(2))).rejects.toThrow('Connection error');
  const told = await createBatch(openai, chatLines(3));
  const message = await anthropicClient(first.ready.urls.anthropic).messages.batches.create({
    requests: messageRequests(2),
  });
  await end(first.child, 'SIGKILL');

  const second = await spawnSimulators(dataDir);
  const again = openAIClient(second.ready.urls.openai);
  const creations = (await (
    await fetch(new URL('/__simulator/creations', second.ready.urls.openai))
  ).json()) as CreationRecord[];
  expect(creations).toHaveLength(2);
  expect(creations[1]).toMatchObject({ providerBatchId: told.id, requestIds: ['line-0', 'line-1', 'line-2'] });
  expect((await again.files.list()).data).toHaveLength(2);
  expect((await untilEnded(again, told.id)).status).toBe('expired');
  const third = await untilEnded(again, (await createBatch(again, chatLines(1))).id);
  expect(third.status).toBe('completed');
  const messages = anthropicClient(second.ready.urls.anthropic);
  await untilMessagesEnded(messages, message.id);
  expect(await readResults(messages, message.id)).toHaveLength(2);
  expect(await end(second.child, 'SIGTERM')).toBe(0);
});

it('goes on from stored times: what ended while it was down has ended, and its answers are the same', async () => {
  const dataDir = temporaryFolder();
  const first = await startOpenAI({ dataDir, timing: visibleTiming });
  const { id } = await createBatch(first.client, chatLines(5));
  const [before] = await first.simulator.creations();
  await first.simulator.close();
  await new Promise((resolve) => setTimeout(resolve, 700));
  const second = await startOpenAI({ dataDir });
  const batch = await second.client.batches.retrieve(id);
  expect(batch.status).toBe('completed');
  expect(batch.created_at).toBe(Math.floor((before?.createdAtMs ?? 0) / 1000));
  const [after] = await second.simulator.creations();
  expect((after?.endedAtMs ?? 0) - (before?.createdAtMs ?? 0)).toBeLessThan(700);
  const output = await download(second.client, batch.output_file_id);
  await second.simulator.close();
  const third = await startOpenAI({ dataDir });
  expect(await download(third.client, batch.output_file_id)).toEqual(output);
});

it('keeps a deleted file deleted, a result file included', async () => {
  const dataDir = temporaryFolder();
  const first = await startOpenAI({ dataDir });
  const file = await upload(first.client, chatLines(1));
  await first.client.files.delete(file.id);
  const batch = await untilEnded(first.client, (await createBatch(first.client, chatLines(1))).id);
  await first.client.files.delete(batch.output_file_id ?? '');
  await first.simulator.close();
  const second = await startOpenAI({ dataDir });
  await second.client.batches.retrieve(batch.id);
  for (const id of [file.id, batch.output_file_id ?? '']) {
    await expect(second.client.files.retrieve(id)).rejects.toMatchObject({ status: 404 });
  }
});
