import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandIn } from './command.ts';

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-completion-'));
  const { stdout } = await commandIn(folder, ['completion', 'bash']).ended;
  writeFileSync(join(folder, 'batchdrop.bash'), stdout);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers when the key is pressed after these words. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `source ./batchdrop.bash; COMP_WORDS=(batchdrop "$@"); COMP_CWORD=$#; _batchdrop; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', ...words], { cwd: folder });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  it('offers commands, and the commands below one', async () => {
    expect(await offered('va')).toEqual(['validate']);
    expect(await offered('')).toEqual(expect.arrayContaining(['submit', 'explain', 'doctor', 'completion']));
    expect(await offered('keys', '')).toEqual(['create', 'list', 'revoke', 'help']);
  });

  it('offers the flags of the command, and the values of a flag', async () => {
    expect(await offered('submit', '--max')).toEqual(['--max-cost-usd', '--max-attempts']);
    expect(await offered('submit', 'x.jsonl', '--priority', '')).toEqual(['low', 'normal', 'high']);
    expect(await offered('keys', 'create', '--ten')).toEqual(['--tenant']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
  });

  it('leaves files to the shell', async () => {
    expect(await offered('submit', '')).toEqual([]);
    expect(await offered('results', 'batch_1', '-o', '')).toEqual([]);
  });

  it('runs nothing that stands on the line', async () => {
    await offered('submit', '$(touch ran)', '--pri');
    await expect(promisify(execFile)('ls', [join(folder, 'ran')])).rejects.toThrow();
  });
});

describe('completion in the other shells', () => {
  it.each([
    ['zsh', ['#compdef batchdrop', '_batchdrop_keys_create()', '--priority[', '(low normal high)']],
    ['fish', ['-a submit', '-l priority', "-a 'low normal high'", '__fish_seen_subcommand_from keys']],
  ])('of %s names commands, flags and values', async (shell, pieces) => {
    const { code, stdout } = await commandIn(folder, ['completion', shell]).ended;
    for (const piece of pieces) expect(stdout).toContain(piece);
    expect(code).toBe(0);
  });

  it('are those three', async () => {
    const { code, stderr } = await commandIn(folder, ['completion', 'tcsh']).ended;
    expect(stderr).toContain('bash, zsh, fish');
    expect(code).toBe(2);
  });
});
