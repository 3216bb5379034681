import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What a folder may import, besides itself. core <- providers, store <- pipeline <- api, lambdas <- local, cli. */
const allowed: Record<string, readonly string[]> = {
  'lib/core': [],
  'lib/providers': ['lib/core'],
  'lib/store': ['lib/core'],
  'lib/pipeline': ['lib/core', 'lib/providers', 'lib/store'],
  'lib/api': ['lib/core', 'lib/pipeline', 'lib/store'],
  'lib/client': ['lib/core', 'lib/providers'],
  lambdas: ['lib/core', 'lib/pipeline', 'lib/api'],
  simulators: ['lib/core', 'lib/store'],
  local: ['lib/core', 'lib/pipeline', 'lib/api', 'lib/store', 'lambdas', 'simulators'],
  cli: ['lib/core', 'lib/client', 'lib/pipeline', 'lib/store', 'local', 'lib/providers'],
  cdk: ['lib/core'],
};

/** Of no provider: what they all have in common. */
const shared: readonly string[] = ['calls', 'lines', 'translation'];

/** Whose dialect a provider speaks, or whose translation it uses. No other provider's folder imports another's. */
const spoken: Record<string, readonly string[]> = {
  azure: ['openai'],
  groq: ['openai'],
  together: ['openai'],
  xai: ['openai'],
  'openai-compatible': ['openai'],
  live: ['openai', 'anthropic'],
  gemini: ['google'],
  vertex: ['google', 'anthropic'],
  bedrock: ['anthropic', 'mistral'],
};

const folders = Object.keys(allowed);

function folderOf(path: string): string | undefined {
  return folders.find((folder) => path.startsWith(`${folder}/`));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g);
  return [...found].map(([, target = '']) => target);
}

function onlyImportsBedrock(file: string): boolean {
  return importsOf(file).every((target) => !/^@aws-sdk\/(?!client-bedrock(-runtime)?$)/.test(target));
}

const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`)).map((file) => normalize(file));

describe('imports', () => {
  it.each(folders.filter((folder) => files.some((file) => file.startsWith(`${folder}/`))))(
    'of %s point downward only',
    (folder) => {
      const own = files.filter((file) => folderOf(file) === folder);
      expect(own.length).toBeGreaterThan(0);
      const wrong = own.flatMap((file) =>
        importsOf(file)
          .filter((target) => target.startsWith('.'))
          .map((target) => ({ file, target: normalize(join(dirname(file), target)) }))
          .filter(({ target }) => {
            const to = folderOf(target);
            return to !== folder && !(to && allowed[folder]?.includes(to));
          }),
      );
      expect(wrong).toEqual([]);
    },
  );

  it('between providers are of a dialect that one speaks', () => {
    const providerOf = (path: string) => /^lib\/providers\/([^/]+)\//.exec(path)?.[1];
    const crossing = files.flatMap((file) =>
      importsOf(file).flatMap((target) => {
        const [from, to] = [providerOf(file), providerOf(normalize(join(dirname(file), target)))];
        return from && to && from !== to && !shared.includes(to) ? [{ file, from, to }] : [];
      }),
    );
    expect(crossing.length).toBeGreaterThan(10);
    expect(crossing.filter(({ from, to }) => !spoken[from]?.includes(to))).toEqual([]);
  });

  it('were read from every folder that has code', () => {
    for (const folder of ['lib/core', 'lib/providers', 'lib/store', 'lib/pipeline', 'local', 'lambdas', 'cli'])
      expect(files.filter((file) => folderOf(file) === folder).length, folder).toBeGreaterThan(1);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(300);
  });

  it('of the core are zod, Node and itself; AWS clients are in the store, and in the provider that is one', () => {
    const packages = (folder: string) =>
      files
        .filter((file) => folderOf(file) === folder)
        .flatMap((file) => importsOf(file).filter((target) => !target.startsWith('.') && !target.startsWith('node:')));
    expect(new Set(packages('lib/core'))).toEqual(new Set(['zod']));
    const awsUsers = files.filter((file) => importsOf(file).some((target) => target.startsWith('@aws-sdk/')));
    const outside = awsUsers
      .filter((file) => !['lib/store', 'local', 'simulators', 'cli'].includes(folderOf(file) ?? ''))
      .filter((file) => !(file.startsWith('lib/providers/bedrock/') && onlyImportsBedrock(file)));
    expect(awsUsers.length).toBeGreaterThan(4);
    expect(outside).toEqual([]);
  });
});
