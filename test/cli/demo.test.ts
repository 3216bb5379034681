import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-demo-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Temporary folders are made inside ours; a key in the environment must not matter. */
function demo(...args: string[]) {
  const env = { ...process.env, TMPDIR: folder, OPENAI_API_KEY: 'sk-never-used', NO_COLOR: '1' };
  return promisify(execFile)(process.execPath, [`${root}cli/main.ts`, 'demo', ...args], { cwd: folder, env });
}

/** The last test runs two whole demos. */
describe('demo', { timeout: 300_000 }, () => {
  it('brings every request of the examples back exactly once, shows it, and leaves copies where it says, but no stack', async () => {
    const { stdout } = await demo();
    expect(stdout).toMatch(/Each of the \d+ requests came back exactly once, in the order of its file\./);
    expect(stdout).toMatch(/tool call +get_weather\(\{/);
    expect(stdout).toMatch(/embedding +\[-?0\.\d+, .*\], 1536 numbers/);
    expect(stdout).toMatch(/refused +invalid_prompt: /);
    expect(stdout).toMatch(/\d+ tokens in, .* out, for \$0\.\d+/);
    expect(stdout).toMatch(/a row of a table +\S/);
    const [, table = ''] = /^ +(\/\S+\/part-00000\.csv)$/m.exec(stdout) ?? [];
    expect(readFileSync(table, 'utf8')).toMatch(/^id,Review Text,stars,sentiment,score,_custom_id,.*\n1,/);
    const paths = [...stdout.matchAll(/^ +(\/\S+\/(?:output|errors)\.jsonl)$/gm)].map(([, path]) => path ?? '');
    expect(paths).toHaveLength(6);
    for (const path of paths) expect(readFileSync(path, 'utf8')).toContain('custom_id');
    expect(existsSync(join(paths[0] ?? '', '../../../stack'))).toBe(false);
  });

  it('can be run again in a folder of its own, and answer as one JSON document', async () => {
    const { passed, problems, batches } = JSON.parse((await demo('--data-dir', 'kept', '--json')).stdout);
    expect({ passed, problems }).toEqual({ passed: true, problems: [] });
    expect(batches[0]).toMatchObject({ status: 'completed', output: expect.stringMatching(/output\.jsonl$/) });
    const { stdout } = await demo('--data-dir', 'kept');
    expect(stdout).toContain('came back exactly once');
    expect(stdout).toContain(`npm start -- --data-dir ${join(folder, 'kept')}`);
  });
});
