import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** A file of the console, as it goes over the wire. */
export interface ConsoleFile {
  brotli: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
}

/** By name: `index.html`, and files whose names hold a hash of what is in them. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** Reads the files that a build has written: each one twice, as `.br` and `.gz`. */
export function readConsoleFiles(folder: string): ConsoleFiles {
  const names = readdirSync(folder).flatMap((name) => (name.endsWith('.br') ? [name.slice(0, -'.br'.length)] : []));
  const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  return new Map(names.map((name) => [name, { brotli: read(`${name}.br`), gzip: read(`${name}.gz`) }]));
}

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

export function contentTypeOf(name: string): string {
  return contentTypes[extname(name)] ?? 'application/octet-stream';
}
