import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from './command.ts';

/** Prints at the end what was loaded, on standard error. */
const recorder = `
import { registerHooks } from 'node:module';
const urls = [];
registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
process.on('exit', () => console.error(JSON.stringify(urls)));
`;

async function loadedBy(...words: string[]): Promise<string[]> {
  const hooks = `data:text/javascript,${encodeURIComponent(recorder)}`;
  const args = ['--import', hooks, `${root}cli/main.ts`, ...words];
  const { stderr } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stderr);
}

it('help comes at once: commands load what they work with only when they run', async () => {
  const urls = await loadedBy('--help');
  expect(urls.filter((url) => url.includes('/cli/')).length).toBeGreaterThan(30);
  expect(
    urls.filter((url) => /registry\.ts|\/lib\/pipeline\/|hyparquet|csv-parse|@aws-sdk|openai\//.test(url)),
  ).toEqual([]);
});

it('a command is loaded without the others', async () => {
  const urls = await loadedBy('list', '--help');
  const commands = urls.filter((url) => /-commands?\.ts$/.test(url)).map((url) => url.replace(/.*\//, ''));
  expect(commands).toEqual(['list-command.ts']);
});
