import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

/**
 * What a folder may import, besides itself: records <- lines <- providers, store <- pipeline <- service <- api <- lambdas <-
 * local, cli. The console is over the client of a deployment; what builds it imports nothing of ours.
 */
const allowed: Record<string, readonly string[]> = {
  'lib/records': [],
  'lib/lines': ['lib/records'],
  'lib/tables': ['lib/records', 'lib/lines'],
  'lib/providers': ['lib/records', 'lib/lines'],
  'lib/store': ['lib/records'],
  'lib/pipeline': ['lib/records', 'lib/lines', 'lib/tables', 'lib/providers', 'lib/store'],
  'lib/service': ['lib/records', 'lib/lines', 'lib/providers', 'lib/store', 'lib/pipeline'],
  'lib/api': ['lib/records', 'lib/lines', 'lib/pipeline', 'lib/service', 'lib/store'],
  'lib/client/deployment': ['lib/records', 'lib/lines'],
  'lib/client': ['lib/records', 'lib/lines', 'lib/tables', 'lib/providers', 'lib/client/deployment'],
  'lib/live': ['lib/records', 'lib/lines', 'lib/providers', 'lib/client', 'lib/client/deployment'],
  console: ['lib/records', 'lib/client/deployment'],
  'console/build': [],
  lambdas: ['lib/records', 'lib/pipeline', 'lib/service', 'lib/api'],
  simulators: [],
  local: [
    'lib/records',
    'lib/providers',
    'lib/pipeline',
    'lib/service',
    'lib/api',
    'lib/store',
    'lambdas',
    'simulators',
    'console/build',
  ],
  cli: [
    'lib/records',
    'lib/lines',
    'lib/tables',
    'lib/providers',
    'lib/client',
    'lib/client/deployment',
    'lib/live',
    'lib/store',
    'lib/pipeline',
    'lib/service',
    'local',
  ],
  cdk: ['lib/records', 'lib/providers', 'console/build'],
};

/** Folders of no provider: what all or a family of them have in common. */
function isShared(folder: string): boolean {
  return folder === 'shared' || folder.endsWith('-family');
}

/** Whose translation a provider uses. No other provider's folder imports another's. */
const translators: Record<string, readonly string[]> = {
  live: ['anthropic'],
  vertex: ['anthropic'],
  bedrock: ['anthropic', 'mistral'],
};

/**
 * What a folder of the pipeline imports from its neighbours. Every step may use `shards`, what all of them do with a shard;
 * Submit begins live shards and sends their calls, Collect reads their answers. The sweep hands drops without an event to intake. All else that steps share stands beside them.
 */
const neighbours: Record<string, readonly string[]> = {
  shards: [],
  intake: [],
  prepare: ['shards'],
  live: ['shards'],
  submit: ['shards', 'live'],
  poll: ['shards'],
  collect: ['shards', 'live'],
  finalize: ['shards'],
  upkeep: ['intake'],
};

const folders = Object.keys(allowed);

/** The longest of the folders above that a path is in. */
function folderOf(path: string): string | undefined {
  const around = folders.filter((folder) => path.startsWith(`${folder}/`));
  return around.toSorted((one, other) => other.length - one.length)[0];
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'([^']+)'/g);
  return [...found].map(([, target = '']) => target);
}

function onlyImportsBedrock(file: string): boolean {
  return importsOf(file).every((target) => !/^@aws-sdk\/(?!client-bedrock(-runtime)?$)/.test(target));
}

function targetsOf(file: string): string[] {
  return importsOf(file)
    .filter((target) => target.startsWith('.'))
    .map((target) => normalize(join(dirname(file), target)));
}

/** Every way along the imports that comes back to where it began, types included. */
function circlesAmong(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return circles;
}

const files = [
  ...new Set(folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx}`)).map((file) => normalize(file))),
];

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

  it('between providers are of translations that one uses', () => {
    const providerOf = (path: string) => /^lib\/providers\/([^/]+)\//.exec(path)?.[1];
    const crossing = files.flatMap((file) =>
      importsOf(file).flatMap((target) => {
        const [from, to] = [providerOf(file), providerOf(normalize(join(dirname(file), target)))];
        return from && to && from !== to && !isShared(to) && !isShared(from) ? [{ file, from, to }] : [];
      }),
    );
    expect(crossing.length).toBeGreaterThan(4);
    expect(crossing.filter(({ from, to }) => !translators[from]?.includes(to))).toEqual([]);
  });

  it.each(Object.keys(neighbours))(
    'of the step folder %s go to its own files, to shared ones, and where a rule says so',
    (folder) => {
      const own = files.filter((file) => file.startsWith(`lib/pipeline/${folder}/`));
      expect(own.length).toBeGreaterThan(0);
      const crossing = own.flatMap((file) =>
        targetsOf(file).flatMap((target) => {
          const [, to] = /^lib\/pipeline\/([^/]+)\//.exec(target) ?? [];
          return to === undefined || to === folder || neighbours[folder]?.includes(to) ? [] : [{ file, target }];
        }),
      );
      expect(crossing).toEqual([]);
    },
  );

  it('of the pipeline have a rule for each of its folders', () => {
    const found = files.flatMap((file) => /^lib\/pipeline\/([^/]+)\//.exec(file)?.[1] ?? []);
    expect([...new Set(found)].toSorted()).toEqual(Object.keys(neighbours).toSorted());
  });

  it('within lib never lead back to where they began', () => {
    const own = files.filter((file) => file.startsWith('lib/'));
    const graph = new Map(own.map((file) => [file, targetsOf(file)]));
    expect(own.length).toBeGreaterThan(250);
    expect([...graph.values()].flat().filter((target) => graph.has(target)).length).toBeGreaterThan(700);
    expect(circlesAmong(graph)).toEqual([]);
    expect(
      circlesAmong(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual(['b -> c -> b']);
  });

  it('were read from every folder that has code', () => {
    for (const folder of folders)
      expect(files.filter((file) => folderOf(file) === folder).length, folder).toBeGreaterThan(1);
    expect(files.flatMap(importsOf).length).toBeGreaterThan(300);
  });

  it('of the client of a deployment are what a browser has: itself, and records and lines without Node', async () => {
    const modules = globSync('lib/client/deployment/*.ts');
    const { metafile, outputFiles } = await build({
      stdin: { contents: modules.map((file) => `export * from './${file}';`).join('\n'), resolveDir: '.' },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      metafile: true,
      write: false,
    });
    const bytes = outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents).byteLength, 0);
    const own = Object.keys(metafile.inputs).filter((file) => !/^(node_modules\/|<stdin>)/.test(file));
    expect(modules.length).toBeGreaterThan(4);
    expect(own.filter((file) => !/^lib\/(records|lines|client\/deployment)\//.test(file))).toEqual([]);
    expect(own.filter((file) => /\bBuffer\b/.test(readFileSync(file, 'utf8')))).toEqual([]);
    expect(own.flatMap(importsOf).filter((target) => !target.startsWith('.') && target !== 'zod/mini')).toEqual([]);
    expect(bytes).toBeLessThanOrEqual(15 * 1024);
  });

  it('of the console are what a browser has, within the files that are built for it', () => {
    const own = files.filter((file) => folderOf(file) === 'console');
    const packages = own.flatMap(importsOf).filter((target) => !target.startsWith('.'));
    expect(own.length).toBeGreaterThan(30);
    expect(new Set(packages)).toEqual(new Set(['preact', 'preact/hooks', 'zod/mini']));
    expect(
      own.filter((file) => /\b(innerHTML|dangerouslySetInnerHTML|outerHTML)\b/.test(readFileSync(file, 'utf8'))),
    ).toEqual([]);
  });

  it('of the records are zod, Node and itself; AWS clients are in the store, in the provider that is one, and where a stack is deployed', () => {
    const packages = (folder: string) =>
      files
        .filter((file) => folderOf(file) === folder)
        .flatMap((file) => importsOf(file).filter((target) => !target.startsWith('.') && !target.startsWith('node:')));
    expect(new Set(packages('lib/records'))).toEqual(new Set(['zod', 'zod/mini']));
    const awsUsers = files.filter((file) => importsOf(file).some((target) => target.startsWith('@aws-sdk/')));
    const outside = awsUsers
      .filter((file) => !['lib/store', 'local', 'simulators', 'cli'].includes(folderOf(file) ?? ''))
      .filter((file) => !(file.startsWith('lib/providers/bedrock/') && onlyImportsBedrock(file)))
      .filter((file) => !file.startsWith('cdk/deploying/'));
    expect(awsUsers.length).toBeGreaterThan(4);
    expect(outside).toEqual([]);
  });
});
