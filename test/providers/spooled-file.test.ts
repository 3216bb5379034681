import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withSpooledFile } from '../../lib/providers/shared/http/spooled-file.ts';

const never = new AbortController().signal;

async function* pieces(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function* breaking(): AsyncGenerator<Buffer> {
  yield Buffer.from('a prompt');
  throw new Error('the lines broke off');
}

function ownFiles(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`batchdrop-spool-${process.pid}-`));
}

function abandonedBy(processId: number): string {
  const path = join(tmpdir(), `batchdrop-spool-${processId}-${randomUUID()}`);
  writeFileSync(path, 'a prompt');
  return path;
}

describe('the temporary file of an upload', () => {
  it('has all pieces, and is gone after its use', async () => {
    const text = await withSpooledFile(pieces('a', 'b'.repeat(3_000_000), 'c'), never, async (blob) => {
      expect(ownFiles()).toHaveLength(1);
      return blob.text();
    });
    expect(text).toBe(`a${'b'.repeat(3_000_000)}c`);
    expect(ownFiles()).toEqual([]);
  });

  it.each([
    ['the upload fails', () => withSpooledFile(pieces('a'), never, () => Promise.reject(new Error('refused')))],
    ['the lines break off', () => withSpooledFile(breaking(), never, async () => 0)],
    ['its time is over', () => withSpooledFile(pieces('a'), AbortSignal.abort(new Error('over')), async () => 0)],
  ])('is gone where %s', async (_what, fails) => {
    await expect(fails()).rejects.toThrow(/refused|broke off|over/);
    expect(ownFiles()).toEqual([]);
  });

  it('that a killed process left is removed by the next upload, also where the number of the process is ours', async () => {
    const dead = spawn(process.execPath, ['-e', '0']);
    await once(dead, 'exit');
    const alive = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)']);
    const [ofDead, ofAlive, ofOurs] = [dead.pid ?? 0, alive.pid ?? 0, process.pid].map(abandonedBy);
    try {
      await withSpooledFile(pieces('a'), never, async () => 0);
      expect([ofDead, ofAlive, ofOurs].map((path) => existsSync(path ?? ''))).toEqual([false, true, false]);
    } finally {
      alive.kill();
      await once(alive, 'exit');
    }
    await withSpooledFile(pieces('a'), never, async () => 0);
    expect(existsSync(ofAlive ?? '')).toBe(false);
  });
});
