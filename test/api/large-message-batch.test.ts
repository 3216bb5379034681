import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startIn } from '../cli/command.ts';

/** The most that a body may have, where `BATCHDROP_RUNS` asks for more than usual. */
const megabytes = Number(process.env.BATCHDROP_RUNS ?? 1) > 1 ? 255 : 40;
const bytesPerRequest = 10_000;
/** Buffers of an upload in parts, ids, and what V8 does not collect at once; a body of 255 MB in memory is far more. */
const maxGrowthMb = 110;

/** Linux keeps the most that a process ever had. */
function peakMbOf(pid: number | undefined): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

async function* body(requests: number): AsyncGenerator<Uint8Array> {
  const content = 'x'.repeat(bytesPerRequest);
  yield Buffer.from('{"requests": [');
  for (let place = 0; place < requests; place += 1) {
    const params = { model: 'claude-sonnet-4-5', max_tokens: 5, messages: [{ role: 'user', content }] };
    yield Buffer.from(`${place > 0 ? ',' : ''}${JSON.stringify({ custom_id: `r-${place}`, params })}`);
  }
  yield Buffer.from('], "metadata": {"size": "large"}}');
}

it.runIf(process.platform === 'linux')(
  `a message batch of ${megabytes} MB is taken in flat memory`,
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'batchdrop-large-'));
    const stack = await startIn(folder);
    onTestFinished(async () => {
      stack.child.kill('SIGTERM');
      await stack.ended;
      rmSync(folder, { recursive: true, force: true });
    });
    const { apiUrl, apiKey } = stack.ready;
    const url = `${apiUrl.replace(/\/v1$/, '')}/v1/messages/batches`;
    const create = async (requests: number) => {
      const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: ReadableStream.from(body(requests)), duplex: 'half' };
      const answer = await fetch(url, init as RequestInit);
      return { status: answer.status, batch: (await answer.json()) as { id: string } };
    };
    expect((await create(100)).status).toBe(200);
    const before = peakMbOf(stack.child.pid);
    const requests = Math.floor((megabytes * 1_000_000) / (bytesPerRequest + 200));
    const { status, batch } = await create(requests);
    const growth = peakMbOf(stack.child.pid) - before;
    await fetch(`${url}/${batch.id}/cancel`, { method: 'POST', headers: { 'x-api-key': apiKey } });

    expect(status).toBe(200);
    expect(growth).toBeLessThan(maxGrowthMb);
  },
);
