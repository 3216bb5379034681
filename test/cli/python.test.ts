import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, startIn } from './command.ts';

const examples = join(root, 'examples/python');
/** A Python with the packages, where another one stands first in the path. */
const python = process.env.BATCHDROP_PYTHON ?? 'python3';
const packages = 'import duckdb, openai, pandas';
const hasPackages = spawnSync(python, ['-c', packages]).status === 0;

it('docs/python.md shows the files of examples/python as they are', () => {
  const page = readFileSync(join(root, 'docs/python.md'), 'utf8');
  const scripts = readdirSync(examples).filter((name) => name.endsWith('.py'));
  expect(scripts.length).toBeGreaterThan(3);
  for (const name of scripts)
    expect(page).toContain(`\`\`\`python\n${readFileSync(join(examples, name), 'utf8')}\`\`\``);
});

describe.skipIf(!hasPackages)(`docs/python.md, with ${python} and its packages`, { timeout: 120_000 }, () => {
  let folder: string;
  let stack: Awaited<ReturnType<typeof startIn>>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'batchdrop-python-'));
    cpSync(examples, folder, { recursive: true });
    stack = await startIn(folder);
  });

  afterAll(async () => {
    stack.child.kill('SIGTERM');
    await stack.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('leads from a table to labels', async () => {
    const { apiUrl, apiKey } = stack.ready;
    const env = { ...process.env, BATCHDROP_URL: apiUrl, BATCHDROP_API_KEY: apiKey };
    const run = async (script: string) => (await promisify(execFile)(python, [script], { cwd: folder, env })).stdout;
    await run('make_requests.py');
    expect(await run('run_batch.py')).toMatch(/^batch_\w+ completed BatchRequestCounts\(completed=5/);
    await run('read_with_pandas.py');
    const [header, ...rows] = readFileSync(join(folder, 'labelled.csv'), 'utf8').trim().split('\n');
    expect(header).toBe('id,review,sentiment,topic');
    for (const row of rows) expect(row).toMatch(/,(positive|negative|mixed),.+$/);
    expect(rows).toHaveLength(5);
    expect(await run('read_with_duckdb.py')).toMatch(/review-1 .*(positive|negative|mixed)/);
    expect(existsSync(join(folder, 'answers.errors.jsonl'))).toBe(false);
  });
});
