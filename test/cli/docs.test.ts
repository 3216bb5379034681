import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestLine, root, startIn, textOf } from './command.ts';

let folder: string;
let stack: Awaited<ReturnType<typeof startIn>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-docs-'));
  const refused = requestLine('b', { messages: [{ role: 'user', content: '[[refuse]]' }] });
  writeFileSync(join(folder, 'requests.jsonl'), `${requestLine('a')}\n${refused}\n`);
  for (const name of ['reviews.csv', 'label.json']) cpSync(join(root, 'examples', name), join(folder, name));
  stack = await startIn(folder);
});

afterAll(async () => {
  stack.child.kill('SIGTERM');
  await stack.ended;
  rmSync(folder, { recursive: true, force: true });
});

const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');

/** The shell lines of docs/cli.md whose block holds a text. */
function block(holding: string): string {
  const blocks = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, text = '']) => text);
  const found = blocks.find((text) => text.includes(holding));
  if (found === undefined) throw new Error(`docs/cli.md has no block with '${holding}'.`);
  return found;
}

/** Runs a script where the checkout's command is in the path, in a file whose batch has a request that fails. */
async function shell(script: string) {
  const env = { ...process.env, PATH: `${root}:${process.env.PATH}` };
  const child = spawn('bash', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

describe('the shell lines of docs/cli.md run as they stand, with a request that fails', { timeout: 120_000 }, () => {
  it('one after the other', async () => {
    const lines = block('batchdrop validate').trim().split('\n');
    const codes: (number | null)[] = [];
    for (const line of lines) codes.push((await shell(line)).code);
    expect(codes).toEqual([0, 1, 0, 0, 1]);
    expect(readFileSync(join(folder, 'answers.jsonl'), 'utf8')).toContain('"custom_id":"a"');
    expect(readFileSync(join(folder, 'answers.errors.jsonl'), 'utf8')).toContain('"custom_id":"b"');
  });

  it('as a script that stops at the first error', async () => {
    rmSync(join(folder, 'answers.jsonl'), { force: true });
    const { code, stdout, stderr } = await shell(`set -e\n${block('id=$(batchdrop')}`);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('b\tinvalid_prompt\n');
    expect(readFileSync(join(folder, 'answers.jsonl'), 'utf8')).toContain('"custom_id":"a"');
  });
});
