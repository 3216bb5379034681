import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { consolePage } from './console-page.ts';

/** A file as it goes over the wire. */
export interface BuiltFile {
  brotli: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
}

const root = join(import.meta.dirname, '../..');

let built: ReadonlyMap<string, BuiltFile> | undefined;

/**
 * Builds the console for browsers, in memory and once for a process: `index.html`, a script and a style whose names hold a hash of what
 * is in them. The same source gives the same names and bytes.
 */
export function buildConsole(): ReadonlyMap<string, BuiltFile> {
  built ??= build();
  return built;
}

function build(): ReadonlyMap<string, BuiltFile> {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: { console: 'console/main.tsx', style: 'console/style/console.css' },
    outdir: 'console',
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    write: false,
    logLevel: 'error',
  });
  const files = outputFiles.map(({ path, contents }): [string, Uint8Array] => [basename(path), contents]);
  const names = files.map(([name]) => name);
  const page = consolePage(nameOf(names, '.js'), nameOf(names, '.css'));
  const all: [string, Uint8Array][] = [...files, ['index.html', Buffer.from(page)]];
  return new Map(all.map(([name, contents]) => [name, compressed(contents)]));
}

function nameOf(names: readonly string[], extension: string): string {
  const name = names.find((each) => each.endsWith(extension));
  if (name === undefined) throw new Error(`The build of the console made no file that ends with ${extension}.`);
  return name;
}

function compressed(contents: Uint8Array): BuiltFile {
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: contents.byteLength };
  return { brotli: brotliCompressSync(contents, { params }), gzip: gzipSync(contents, { level: 9 }) };
}

/** Writes the files as `readConsoleFiles` of the API reads them. */
export function writeConsole(folder: string, files: ReadonlyMap<string, BuiltFile>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of consoleAssets(files)) writeFileSync(join(folder, name), bytes);
}

/** The files of the folder, by their names in it. */
export function consoleAssets(files: ReadonlyMap<string, BuiltFile>): Map<string, Uint8Array> {
  const entries = [...files].flatMap(([name, { brotli, gzip }]): [string, Uint8Array][] => [
    [`${name}.br`, brotli],
    [`${name}.gz`, gzip],
  ]);
  return new Map(entries);
}
