import { GoogleGenAI } from '@google/genai';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../../simulators/simulators.ts';
import { instantTiming, temporaryFolder } from './started-simulators.ts';

/** Our own client goes by fetch; the SDK shows that the simulator speaks as the service does. */
it('serves the official SDK', async () => {
  const simulator = await startSimulator.gemini({ dataDir: temporaryFolder(), timing: instantTiming });
  onTestFinished(() => simulator.close());
  const sdk = new GoogleGenAI({ apiKey: 'sk-test', apiVersion: 'v1beta', httpOptions: { baseUrl: simulator.url } });
  const line = { key: 'a', request: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] } };

  const blob = new Blob([`${JSON.stringify(line)}\n`], { type: 'application/jsonl' });
  const file = await sdk.files.upload({ file: blob });
  const created = await sdk.batches.create({
    model: 'gemini-2.5-flash',
    src: file.name ?? '',
    config: { displayName: 'mine' },
  });
  const look = () => sdk.batches.get({ name: created.name ?? '' });
  await expect.poll(async () => (await look()).state).toBe('JOB_STATE_SUCCEEDED');

  expect(await look()).toMatchObject({ displayName: 'mine', dest: { fileName: expect.stringMatching(/^files\//) } });
  const listed = [];
  for await (const batch of await sdk.batches.list()) listed.push(batch.name);
  expect(listed).toEqual([created.name]);
});
