import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { buildConsole, consoleAssets } from '../../console/build/build-console.ts';

/** What a person waits for on a slow line. */
const maxBytes = 120 * 1024;

const files = buildConsole();

function textOf(name: string): string {
  return gunzipSync(files.get(name)?.gzip ?? new Uint8Array()).toString('utf8');
}

it('the console is three files, small in both encodings', () => {
  const names = [...files.keys()];
  expect(names.toSorted()).toEqual([
    expect.stringMatching(/^console-[A-Z0-9]{8}\.js$/),
    'index.html',
    expect.stringMatching(/^style-[A-Z0-9]{8}\.css$/),
  ]);
  const bytes = (encoding: 'brotli' | 'gzip') =>
    [...files.values()].reduce((sum, file) => sum + file[encoding].byteLength, 0);
  expect(bytes('brotli')).toBeLessThan(maxBytes);
  expect(bytes('gzip')).toBeLessThan(maxBytes);
  expect(consoleAssets(files).size).toBe(6);
});

it('the page has no script within it, and names nothing of another origin', () => {
  const page = textOf('index.html');
  for (const name of files.keys()) if (name !== 'index.html') expect(page).toContain(`"/console/${name}"`);
  expect(page).not.toMatch(/<script(?![^>]* src=)|\son\w+=|style=|(?:src|href)="(?:https?:)?\/\//);
  const style = textOf([...files.keys()].find((name) => name.endsWith('.css')) ?? '');
  expect(style).not.toMatch(/@import|url\(/);
});

it('the script makes no markup of texts', () => {
  const script = textOf([...files.keys()].find((name) => name.endsWith('.js')) ?? '');
  expect(script).not.toMatch(/\beval\(|new Function\(|document\.write|insertAdjacentHTML/);
  // Preact's own, for a property that no page of ours gives.
  expect(script.match(/\.innerHTML\s*=/g)?.length ?? 0).toBeLessThanOrEqual(1);
});
