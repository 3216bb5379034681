import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { providerKinds } from '../../lib/providers/config.ts';
import { providers } from '../../lib/providers/registry.ts';
import { withProviderTables } from '../../scripts/provider-tables.ts';

const page = readFileSync('docs/providers.md', 'utf8');

describe('docs/providers.md', () => {
  it('has the tables that the providers make', () => {
    expect(page, 'docs/providers.md is behind lib/providers: run `npm run docs`').toBe(
      withProviderTables(page, Object.values(providers)),
    );
  });

  it.each(providerKinds)('has a row in each table and a section of its own for %s', (kind) => {
    const { title } = providers[kind].notes;
    const lines = page.split('\n');
    expect(lines.filter((line) => line.startsWith(`| ${title} |`) || line.startsWith(`| [${title}](`))).toHaveLength(3);
    const heading = lines.indexOf(`## ${title}`);
    expect(heading, `docs/providers.md lacks '## ${title}'`).toBeGreaterThan(-1);
    const next = lines.findIndex((line, place) => place > heading && line.startsWith('## '));
    expect(lines.slice(heading + 1, next).join('').length, `the section of ${title} is empty`).toBeGreaterThan(100);
  });
});
