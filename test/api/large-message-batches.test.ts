import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const requests = 100_000;
/** A process that has read a small body takes 290 MB. Measured: 330 MB after 40 MB, 390 MB after 255 MB, and 1,100 MB where bodies were kept. */
const maxGrowthMb = 200;

async function startStack(): Promise<{ apiUrl: string; apiKey: string; pid: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-large-'));
  const options = ['--port', '0', '--s3-port', '0', '--ready-file', 'ready.json'];
  const child = spawn(process.execPath, [`${root}cli/main.ts`, 'start', ...options], { cwd: folder, stdio: 'ignore' });
  onTestFinished(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const path = join(folder, 'ready.json');
  while (!existsSync(path)) await sleep(50);
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** A body whose last request has the custom_id of the first one: all of it is read and kept, and then it is refused. */
function* body(count: number, bytes: number): Generator<Buffer> {
  const filler = 'x'.repeat(Math.max(0, Math.floor(bytes / count) - 130));
  yield Buffer.from('{"requests": [');
  for (let index = 0; index < count; index += 1) {
    const messages = [{ role: 'user', content: filler }];
    const id = `r-${index === count - 1 ? 0 : index}`;
    const request = { custom_id: id, params: { model: 'claude-sonnet-4-5', max_tokens: 9, messages } };
    yield Buffer.from(`${index === 0 ? '' : ', '}${JSON.stringify(request)}`);
  }
  yield Buffer.from(']}');
}

function* inChunks(pieces: Iterable<Buffer>, chunkBytes: number): Generator<Buffer> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    gathered.push(piece);
    bytes += piece.length;
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    bytes = 0;
  }
  yield Buffer.concat(gathered);
}

function peakMb(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

it.runIf(existsSync('/proc/self/status'))(
  'message batches of 100,000 requests are read in memory that does not grow with the body',
  { timeout: 600_000 },
  async () => {
    const { apiUrl, apiKey, pid } = await startStack();
    const send = async (count: number, megabytes: number) => {
      const answer = await fetch(`${apiUrl}/v1/messages/batches`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
        body: ReadableStream.from(inChunks(body(count, megabytes * 1_000_000), 256 * 1024)),
        duplex: 'half',
      } as RequestInit);
      const message =
        count > requests
          ? `requests: List should have at most ${requests} items`
          : `requests.${count - 1}.custom_id: custom_id must be unique, found duplicate: r-0`;
      expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error', message } });
      return peakMb(pid);
    };
    const small = await send(1_000, 10);
    const peaks = { small, of40: await send(requests, 40), of255: await send(requests, 255) };

    await send(requests + 1, 20);
    expect(peaks.of40 - small).toBeLessThan(maxGrowthMb);
    expect(peaks.of255 - small).toBeLessThan(maxGrowthMb);
  },
);
