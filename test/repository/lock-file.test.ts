import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface LockEntry {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly inBundle?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockEntry> };

/** Every package that `npm ci` may download. What is packed into another package comes with that one's checksum. */
const downloaded = Object.entries(packages).filter(([path, { inBundle }]) => path !== '' && !inBundle);

describe('package-lock.json', () => {
  it('has a checksum for every package that is downloaded', () => {
    expect(downloaded.length).toBeGreaterThan(300);
    const unchecked = downloaded.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  it('names no host but the public registry', () => {
    const hosts = Object.values(packages).flatMap(({ resolved }) => (resolved ? [new URL(resolved).origin] : []));
    expect(hosts.filter((host) => host !== 'https://registry.npmjs.org')).toEqual([]);
  });

  it('has an entry for the packages of every platform, so that `npm ci` works on all of them', () => {
    const named = downloaded.flatMap(([, { optionalDependencies }]) => Object.keys(optionalDependencies ?? {}));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !packages[`node_modules/${name}`])).toEqual([]);
  });
});
