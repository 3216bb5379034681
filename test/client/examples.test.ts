import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startProvider } from './provider-at-hand.ts';

const root = join(import.meta.dirname, '../..');

/** What a user's shell would hold: keys, and here the simulators' addresses. */
async function environment(
  timing = { validatingMs: 0, inProgressMs: 300, finalizingMs: 0 },
): Promise<NodeJS.ProcessEnv> {
  const openai = await startProvider('openai', { timing });
  const anthropic = await startProvider('anthropic', { timing });
  return {
    ...process.env,
    OPENAI_API_KEY: openai.at.apiKey,
    OPENAI_BASE_URL: openai.at.apiBase,
    ANTHROPIC_API_KEY: anthropic.at.apiKey,
    ANTHROPIC_BASE_URL: anthropic.at.apiBase,
  };
}

async function run(name: string, env: NodeJS.ProcessEnv): Promise<string> {
  const example = join('examples', name);
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=batchdrop-source', example], {
    cwd: root,
    env,
  });
  return stdout;
}

describe('examples', () => {
  it('run-batch.ts answers in order', async () => {
    const lines = (await run('run-batch.ts', await environment())).trim().split('\n');

    expect(lines.map((line) => line.slice(0, 2))).toEqual(expect.arrayContaining(['0 ', '1 ', '2 ']));
    expect(lines.join()).not.toContain('failed');
  });

  it('run-table.ts labels each row', async () => {
    const lines = (await run('run-table.ts', await environment())).trim().split('\n');

    expect(lines).toEqual([1, 2, 3].map((id) => expect.stringMatching(new RegExp(`^${id} (good|bad) -?[\\d.]+$`))));
  });

  it('create-batch.ts sends a file and gives its results', async () => {
    const output = await run('create-batch.ts', await environment());

    expect(output).toMatch(/^msgbatch_\S+ was created/);
    expect(output).toContain('completed:');
    expect(output.match(/ -> /g)).toHaveLength(4);
  });

  it('stream-input.ts sends requests as they are made', async () => {
    expect(await run('stream-input.ts', await environment())).toContain('holds 1000 requests');
  });

  it('tools-and-schema.ts gets a tool call and a place', async () => {
    const output = await run('tools-and-schema.ts', await environment());

    expect(output).toContain("name: 'weather'");
    expect(output).toMatch(/\{"city":.*"country":/);
  });

  it('errors.ts reads what was finished', async () => {
    const endless = { validatingMs: 0, inProgressMs: 600_000, finalizingMs: 0 };
    expect(await run('errors.ts', await environment(endless))).toContain('request-0 was not');
  });

  it('list-batches.ts goes through all of them', async () => {
    const env = await environment({ validatingMs: 0, inProgressMs: 0, finalizingMs: 0 });
    await run('run-batch.ts', env);

    expect(await run('list-batches.ts', env)).toMatch(/^batch_\S+ completed \{ total: 3/);
  });

  it('are all run', () => {
    const all = globSync('*.ts', { cwd: join(root, 'examples') });
    const ours = all.filter((name) => readFileSync(join(root, 'examples', name), 'utf8').includes("from 'batchdrop'"));
    // deployment.ts needs a stack.
    const tests = ['examples.test.ts', 'deployment.test.ts'].map((name) =>
      readFileSync(join(import.meta.dirname, name), 'utf8'),
    );
    expect(ours.length).toBeGreaterThan(5);
    expect(
      ours.filter(
        (name) => !tests.some((test) => test.includes(`run('${name}'`) || test.includes(`'examples/${name}'`)),
      ),
    ).toEqual([]);
  });
});

it('stand in the docs as they are', () => {
  const docs = readFileSync(join(root, 'docs/library.md'), 'utf8');
  const blocks = [...docs.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block);
  const examples = globSync('*.ts', { cwd: join(root, 'examples') }).map((name) =>
    readFileSync(join(root, 'examples', name), 'utf8'),
  );

  expect(blocks.length).toBeGreaterThan(3);
  expect(blocks.filter((block) => !examples.includes(block ?? ''))).toEqual([]);
});
