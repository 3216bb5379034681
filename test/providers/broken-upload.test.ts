import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { seedOfTest } from '../seed.ts';

/** Uploads to a server that breaks each connection somewhere, in a process of its own: it must live to say so. */
const script = `
import { createServer } from 'node:http';
import { SeededRandom } from './simulators/seeded-random.ts';
import { connectClient } from './lib/providers/connect.ts';
import { openai } from './lib/providers/openai/provider.ts';
const random = new SeededRandom(Number(process.env.SEED));
const line = Buffer.from(JSON.stringify({ custom_id: 'a', body: 'x'.repeat(20_000) }) + '\\n');
const server = createServer((request) => {
  const breaksAt = random.next() * 2_000_000;
  let bytes = 0;
  request.on('error', () => undefined);
  request.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes > breaksAt) request.destroy();
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const config = { kind: 'openai', secret: 's', limits: {}, models: [], createTimeoutSeconds: 5, settleSeconds: 1 };
const baseUrl = 'http://127.0.0.1:' + server.address().port;
const client = connectClient(openai, { name: 'openai', config: { ...config, baseUrl }, apiKey: async () => 'key' });
async function* lines() {
  for (let count = 0; count < 150; count += 1) yield line;
}
const sending = {
  prefix: 'p',
  token: 't',
  endpoint: '/v1/chat/completions',
  model: 'm',
  lineCount: 150,
  metadata: {},
  lines,
};
let failed = 0;
for (let tries = 0; tries < 150; tries += 1) {
  const stop = new AbortController();
  if (tries % 2) setTimeout(() => stop.abort(), random.next() * 12);
  await client.upload(sending, stop.signal).catch(() => { failed += 1; });
}
await new Promise((resolve) => setTimeout(resolve, 200));
console.log('failed', failed);
process.exit(0);
`;

describe('uploads whose connection breaks', () => {
  it('fail, and leave the process alive', async () => {
    const args = ['--input-type=module-typescript', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, SEED: String(seedOfTest()) },
    });
    expect(stdout.trim()).toBe('failed 150');
  });
});
