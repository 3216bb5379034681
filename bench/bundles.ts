import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Bundle, bundleFunction, loadedWith, writePackage } from '../cdk/bundles.ts';
import { bundleFile, functionNames } from '../cdk/packages.ts';
import type { FunctionName } from '../lib/records/function-timeouts.ts';

/** Fresh processes that each function is imported in; the median counts. */
const runs = 7;

export interface BundleMeasurement {
  name: FunctionName;
  /** Size of the whole package. */
  bytes: number;
  gzippedBytes: number;
  /** Size of the modules that a cold start reads. */
  startBytes: number;
  /** From the start of the import to the handler at hand, in a fresh process. */
  coldImportMs: number;
  /** What the first call to a provider adds, by its kind. */
  providers: ProviderMeasurement[];
}

/** Its providers are measured; the others' differ little, and are only loaded, all by one process. */
const measuredClients: FunctionName = 'submit';

interface ProviderMeasurement {
  kind: string;
  /** Size of the modules that only this provider needs. */
  bytes: number;
  importMs: number;
}

/** Bundles every function as `cdk synth` does and imports each as Lambda does, alone in a folder and a process. */
export function measureBundles(importRuns = runs, bundleOf = bundleFunction): BundleMeasurement[] {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-bundles-'));
  try {
    return functionNames.map((name) => measureBundle(name, bundleOf(name), join(folder, name), importRuns));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measureBundle(name: FunctionName, bundle: Bundle, folder: string, importRuns: number): BundleMeasurement {
  writePackage(folder, bundle);
  const started = loadedWith(bundleFile, bundle);
  const chunks = providerChunks(bundle);
  importMs(folder, ...chunks.map(([, file]) => file));
  return {
    name,
    bytes: bytesOf(bundle, bundle.files.keys()),
    gzippedBytes: bundle.files.values().reduce((total, code) => total + gzipSync(code).byteLength, 0),
    startBytes: bytesOf(bundle, started),
    coldImportMs: medianMs(importRuns, () => importMs(folder).handler),
    providers: (name === measuredClients ? chunks : []).map(([kind, file]) => ({
      kind,
      bytes: bytesOf(bundle, loadedWith(file, bundle).difference(started)),
      importMs: medianMs(importRuns, () => importMs(folder, file).further),
    })),
  };
}

function bytesOf({ files }: Bundle, names: Iterable<string>): number {
  return Iterator.from(names).reduce((total, name) => total + (files.get(name)?.byteLength ?? 0), 0);
}

/** The modules that providers' clients begin with, by kind. */
function providerChunks({ outputs }: Bundle): [string, string][] {
  return Object.entries(outputs).flatMap(([file, { entryPoint = '' }]): [string, string][] => {
    const [, kind] = /^lib\/providers\/([^/]+)\/client\.ts$/.exec(entryPoint) ?? [];
    return kind === undefined ? [] : [[kind, file]];
  });
}

function medianMs(times: number, measure: () => number): number {
  const measured = Array.from({ length: times }, measure).toSorted((left, right) => left - right);
  return Math.round(measured[Math.floor(times / 2)] ?? 0);
}

/**
 * @param further modules to be imported after the handler.
 * @throws Error where a module does not load, or the first exports no handler.
 */
function importMs(folder: string, ...further: string[]): { handler: number; further: number } {
  const urlOf = (file: string) => JSON.stringify(pathToFileURL(join(folder, file)).href);
  const script = `
    const startedAt = performance.now();
    const { handler } = await import(${urlOf(bundleFile)});
    if (typeof handler !== 'function') throw new Error('The module exports no handler.');
    const handlerAt = performance.now();
    ${further.map((file) => `await import(${urlOf(file)});`).join('\n')}
    console.log(JSON.stringify({ handler: handlerAt - startedAt, further: performance.now() - handlerAt }));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, encoding: 'utf8' }),
  );
}

/** `npm run bench -- bundles [--json]` */
export function benchBundles(options: { json: boolean }): void {
  const measured = measureBundles();
  if (options.json) process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
  else process.stdout.write(`${functionTable(measured)}\n${providerTable(measured)}`);
}

function functionTable(measured: readonly BundleMeasurement[]): string {
  const rows = measured.map(({ name, bytes, gzippedBytes, startBytes, coldImportMs }) => [
    name,
    kilobytes(bytes),
    kilobytes(gzippedBytes),
    kilobytes(startBytes),
    `${coldImportMs} ms`,
  ]);
  return table([['function', 'package', 'gzipped', 'at start', 'import'], ...rows]);
}

function providerTable(measured: readonly BundleMeasurement[]): string {
  const { providers = [] } = measured.find(({ name }) => name === measuredClients) ?? {};
  const rows = providers.map(({ kind, bytes, importMs }) => [kind, kilobytes(bytes), `${importMs} ms`]);
  return table([[`${measuredClients}'s first call`, 'reads', 'import'], ...rows]);
}

function table(rows: readonly string[][]): string {
  const lines = rows.map(([first = '', ...rest]) =>
    [first.padEnd(20), ...rest.map((cell) => cell.padStart(10))].join(''),
  );
  return `${lines.join('\n')}\n`;
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000)} kB`;
}
