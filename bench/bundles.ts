import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundleFile, bundleFunctions, writePackage } from '../cdk/bundles.ts';
import type { FunctionName } from '../lib/core/function-timeouts.ts';

/** Fresh processes that each function is imported in; the median counts. */
const runs = 7;

export interface BundleMeasurement {
  name: FunctionName;
  bytes: number;
  gzippedBytes: number;
  /** From the start of the import to the handler at hand, in a fresh process. */
  coldImportMs: number;
}

/** Bundles every function as `cdk synth` does and imports each as Lambda does, alone in a folder and a process. */
export function measureBundles(importRuns = runs): BundleMeasurement[] {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-bundles-'));
  try {
    return [...bundleFunctions()].map(([name, { code }]) => {
      writePackage(join(folder, name), code, '{}');
      return {
        name,
        bytes: code.byteLength,
        gzippedBytes: gzipSync(code).byteLength,
        coldImportMs: medianImportMs(join(folder, name), importRuns),
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function medianImportMs(folder: string, importRuns: number): number {
  const times = Array.from({ length: importRuns }, () => importMs(folder)).toSorted((left, right) => left - right);
  return Math.round(times[Math.floor(importRuns / 2)] ?? 0);
}

/** @throws Error where the module does not load, or exports no handler. */
function importMs(folder: string): number {
  const script = `
    const startedAt = performance.now();
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, bundleFile)).href)});
    if (typeof handler !== 'function') throw new Error('The module exports no handler.');
    console.log(performance.now() - startedAt);`;
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, encoding: 'utf8' }),
  );
}

/** `npm run bench -- bundles [--json]` */
export function benchBundles(options: { json: boolean }): void {
  const measured = measureBundles();
  if (options.json) process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
  else process.stdout.write(tableOf(measured));
}

function tableOf(measured: readonly BundleMeasurement[]): string {
  const rows = measured.map(({ name, bytes, gzippedBytes, coldImportMs }) =>
    [name.padEnd(10), kilobytes(bytes), kilobytes(gzippedBytes), `${coldImportMs} ms`.padStart(10)].join(''),
  );
  const head = `${'function'.padEnd(10)}${'bundle'.padStart(10)}${'gzipped'.padStart(10)}${'import'.padStart(10)}`;
  return `${[head, ...rows].join('\n')}\n`;
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000)} kB`.padStart(10);
}
