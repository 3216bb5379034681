/**
 * OpenAI's official client on Batchdrop: only the URL and the key are other ones.
 *
 *     BATCHDROP_URL=http://127.0.0.1:8700 BATCHDROP_API_KEY=sk-batchdrop-... node examples/openai-client.ts
 */
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: `${process.env.BATCHDROP_URL}/v1`,
  apiKey: process.env.BATCHDROP_API_KEY,
});

const requests = new URL('openai-chat.jsonl', import.meta.url);
const file = await client.files.create({ file: createReadStream(requests), purpose: 'batch' });
let batch = await client.batches.create({
  input_file_id: file.id,
  endpoint: '/v1/chat/completions',
  completion_window: '24h',
});

while (!['completed', 'failed', 'expired', 'cancelled'].includes(batch.status)) {
  await sleep(1_000);
  batch = await client.batches.retrieve(batch.id);
}

console.error(`${batch.id} is ${batch.status}.`);
if (batch.output_file_id) console.log(await (await client.files.content(batch.output_file_id)).text());
