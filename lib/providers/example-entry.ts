import { type ProviderKind, providers } from './registry.ts';

/**
 * What to write under `providers` in the configuration for an account of a kind, such as
 * `"gemini": {"kind": "gemini", "secret": "gemini"}`. What only the account's owner knows stands there as `...`.
 */
export function exampleEntry(kind: ProviderKind): string {
  const { key, example } = providers[kind];
  const own = Object.keys(example.settings ?? {}).map((name) => [name, '...']);
  const members = [['kind', kind], ...(key === 'none' ? [] : [['secret', kind]]), ...own];
  const text = members.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(', ');
  return `"${kind}": {${text}}`;
}

/** The kind of provider that a name stands for; null where it stands for none. */
export function kindNamed(name: string): ProviderKind | null {
  return Object.values(providers).find(({ kind }) => kind === name)?.kind ?? null;
}
