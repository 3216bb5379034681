/**
 * Anthropic's official client on Batchdrop: only the URL and the key are other ones.
 *
 *     BATCHDROP_URL=http://127.0.0.1:8700 BATCHDROP_API_KEY=sk-batchdrop-... node examples/anthropic-client.ts
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({
  baseURL: process.env.BATCHDROP_URL ?? null,
  apiKey: process.env.BATCHDROP_API_KEY ?? null,
});

const questions = ['What is a shard?', 'What is a batch?'];
let batch = await client.messages.batches.create({
  requests: questions.map((content, place) => ({
    custom_id: `question-${place}`,
    params: { model: 'claude-haiku-4-5', max_tokens: 200, messages: [{ role: 'user', content }] },
  })),
});

while (batch.processing_status !== 'ended') {
  await sleep(1_000);
  batch = await client.messages.batches.retrieve(batch.id);
}

console.error(`${batch.id} has ended.`);
for await (const line of await client.messages.batches.results(batch.id)) console.log(JSON.stringify(line));
