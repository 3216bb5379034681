import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import { buildConsole, consoleAssets } from '../console/build/build-console.ts';
import type { FunctionName } from '../lib/records/function-timeouts.ts';
import { bundleFile, root } from './packages.ts';

/** A function's modules: the handler's, and the chunks that it loads at once or by the first call of a provider. */
export interface Bundle {
  /** By name, all in one folder. */
  files: Map<string, Uint8Array>;
  /** What the function reads and does not run, in a folder of that name beside its modules. */
  assets: Map<string, Map<string, Uint8Array>>;
  /** What went into each, and what it imports, as esbuild tells. */
  outputs: Metafile['outputs'];
}

/**
 * ECMAScript modules of one function, with only what it reaches.
 *
 * - What is imported dynamically is a chunk of its own: a provider's SDK is read by the first call to that provider.
 * - The AWS SDK is inside, though Lambda has one: measured on Node 24, intake imports in 138 ms with it inside and in
 *   167 ms with it as a package outside, and the version is the one that was tested.
 * - Minified: half the size (1.9 instead of 4.6 MB) and the same import time. No source maps: they would double it.
 * - Packages that are CommonJS inside still call `require` for Node's own modules, in whichever chunk they are.
 */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  outExtension: { '.js': '.mjs' },
  chunkNames: '[name]-[hash]',
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  logLevel: 'error',
} as const satisfies BuildOptions;

/**
 * Bundles a function, in memory. The same source gives the same names and bytes. Each has a run of esbuild of its own: in a
 * common one the cut into chunks, and so every package, would change with any function.
 */
export function bundleFunction(name: FunctionName): Bundle {
  const built = buildSync({
    ...bundleOptions,
    entryPoints: { [basename(bundleFile, '.mjs')]: `lambdas/${name}.ts` },
    outdir: 'bundle',
    metafile: true,
    write: false,
  });
  const files = built.outputFiles.map(({ path, contents }): [string, Uint8Array] => [basename(path), contents]);
  const outputs = Object.entries(built.metafile.outputs).map(([path, output]) => [basename(path), output]);
  return { files: new Map(files), assets: assetsOf(name), outputs: Object.fromEntries(outputs) };
}

/** The API serves the console. */
function assetsOf(name: FunctionName): Bundle['assets'] {
  return new Map(name === 'api' ? [['console', consoleAssets(buildConsole())]] : []);
}

/** The modules that a module loads before it runs, itself included. */
export function loadedWith(file: string, bundle: Bundle, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { path, kind, external } of bundle.outputs[file]?.imports ?? [])
    if (!external && kind === 'import-statement') loadedWith(basename(path), bundle, loaded);
  return loaded;
}

/** Writes a function's package: its modules, what it reads, and nothing else. The configuration is a layer. */
export function writePackage(directory: string, { files, assets }: Bundle): void {
  writeFiles(directory, files);
  for (const [folder, read] of assets) writeFiles(join(directory, folder), read);
}

function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(directory, { recursive: true });
  for (const [file, bytes] of files) writeFileSync(join(directory, file), bytes);
}
