import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startProvider, temporaryFolder } from '../client/provider-at-hand.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Node 24 first, so that what npm starts runs with it. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

/** Packs as for publication, and installs the tarball into an empty project. */
async function installedProject(): Promise<string> {
  const folder = temporaryFolder();
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root, env });
  const [tarball = ''] = globSync('*.tgz', { cwd: folder });
  const flags = ['--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, join(folder, tarball)], { cwd: project, env });
  return project;
}

function installedPackages(project: string): string[] {
  return globSync(['node_modules/*', 'node_modules/@*/*'], { cwd: project }).map((path) => path.slice(13));
}

it('installs into an empty project, and library, types and command work there', async () => {
  const project = await installedProject();
  const batchdrop = join(project, 'node_modules/.bin/batchdrop');
  const command = (...words: string[]) => run(process.execPath, [batchdrop, ...words], { cwd: project, env });

  const packages = installedPackages(project);
  expect(packages).toEqual(expect.arrayContaining(['batchdrop', 'openai', '@anthropic-ai/sdk', 'zod']));
  expect(packages.filter((name) => /cdk|constructs|dynalite|@aws-sdk|typescript/.test(name))).toEqual([]);
  for (const paper of ['LICENSE', 'CHANGELOG.md'])
    expect(existsSync(join(project, 'node_modules/batchdrop', paper)), paper).toBe(true);
  expect(
    globSync('node_modules/batchdrop/**/*.ts', { cwd: project, exclude: (path) => path.endsWith('.d.ts') }),
  ).toEqual([]);

  expect(existsSync(join(project, 'node_modules/batchdrop/dist/console/files/index.html.br'))).toBe(true);

  const { at } = await startProvider('openai');
  cpSync(join(root, 'examples/run-batch.ts'), join(project, 'run-batch.ts'));
  const { stdout } = await run(process.execPath, ['run-batch.ts'], {
    cwd: project,
    env: { ...env, OPENAI_API_KEY: at.apiKey, OPENAI_BASE_URL: at.apiBase },
  });
  expect(stdout.split('\n').filter((line) => /^\d/.test(line)).length).toBeGreaterThan(2);
  await typeCheck(project, 'run-batch.ts', { skipLibCheck: false });
  cpSync(join(root, 'examples/gather-live-calls.ts'), join(project, 'gather-live-calls.ts'));
  const gathered = await run(process.execPath, ['gather-live-calls.ts'], {
    cwd: project,
    env: { ...env, OPENAI_API_KEY: at.apiKey, OPENAI_BASE_URL: at.apiBase },
  });
  expect(gathered.stdout.split('\n').filter((line) => /^\d (?!failed)/.test(line))).toHaveLength(3);
  await typeCheck(project, 'gather-live-calls.ts', { skipLibCheck: false });
  await expect(listMistralBatches(project)).rejects.toMatchObject({
    stderr: expect.stringMatching(/npm install '@mistralai\/mistralai@\^\d/),
  });

  await synthesizeApp(project);

  expect((await command('--help')).stdout).toContain('Usage: npx batchdrop');
  const file = join(root, 'examples/anthropic-chat.jsonl');
  expect((await command('validate', file, '--json')).stdout).toContain('{');
  await expect(command('start')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/npm install (?!.*(bedrock|genai|azure)).*'dynalite@/),
  });
  await expect(command('list', '--bucket', 'one')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/npm install '@aws-sdk\/client-s3@[^ ]+' '@aws-sdk\/s3-request-presigner@[^ ]+'\n$/),
  });
  await expect(command('keys', 'list')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/npm install '@aws-sdk\/client-dynamodb@[^ ]+' '@aws-sdk\/lib-dynamodb@[^ ]+'\n$/),
  });
}, 900_000);

/** Calls a provider whose SDK is an optional package. */
async function listMistralBatches(project: string): Promise<unknown> {
  const script = `import { listBatches } from 'batchdrop'; await listBatches({ provider: 'mistral', apiKey: 'x' });`;
  return await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: project, env });
}

/** As a user with the strictest settings has it. */
async function typeCheck(project: string, file: string, more: object): Promise<void> {
  const types = join(root, 'node_modules/@types');
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: 'es2024', module: 'nodenext', ...more },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: ['node'], typeRoots: [types] },
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project]);
}

it('says in its manifest what it exports', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ license: 'Apache-2.0' });
  expect(manifest.private, 'docs/library.md says that the package is installed').toBeUndefined();
  expect(manifest.exports['.'].default).toBe('./dist/lib/client/index.js');
  expect(Object.keys(manifest.peerDependencies).every((name) => manifest.peerDependenciesMeta[name].optional)).toBe(
    true,
  );
  expect(Object.keys(manifest.dependencies).filter((name) => /cdk|constructs/.test(name))).toEqual([]);
  expect(existsSync(join(root, 'scripts/build-package.ts'))).toBe(true);
});

/** The construct in an app of its own, which has CDK and none of what this repository builds with. */
async function synthesizeApp(project: string): Promise<void> {
  for (const name of ['aws-cdk-lib', 'constructs'])
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
  cpSync(join(root, 'test/package/cdk-app.ts'), join(project, 'cdk-app.ts'));
  await run(process.execPath, ['cdk-app.ts'], { cwd: project, env: { ...env, CDK_OUTDIR: join(project, 'cdk.out') } });
  const template = readFileSync(join(project, 'cdk.out/Research.template.json'), 'utf8');
  const functionNames = Array.from(template.matchAll(/"FunctionName": "([^"]+)"/g), ([, name]) => name);
  for (const name of ['api', 'collect', 'finalize', 'intake', 'poll', 'prepare', 'submit', 'sweep'])
    expect(functionNames).toEqual(expect.arrayContaining([`research-${name}`, `Research-${name}`]));
  expect(template).toContain('"Name": "research/openai"');
  expect(template).toContain('"Name": "shared/anthropic"');
  const packages = globSync('cdk.out/asset.*/index.mjs', { cwd: project });
  expect(packages).toHaveLength(8);
  expect(globSync('cdk.out/asset.*/console/index.html.br', { cwd: project })).toHaveLength(1);
  // CDK's own types do not hold under these settings; that ours are found shows by the mistake that the app expects.
  await typeCheck(project, 'cdk-app.ts', { skipLibCheck: true });
}
