import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { providers } from '../lib/providers/registry.ts';
import { policyBooks } from '../test/policies/policy-books.ts';
import { permissionSources, withPermissionTable } from './permission-table.ts';
import { withProviderTables } from './provider-tables.ts';

// Writes the generated parts of docs/providers.md and docs/permissions.md. Usage: npm run docs

function update(name: string, change: (page: string) => string): void {
  const path = join(import.meta.dirname, '../docs', name);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

update('providers.md', (page) => withProviderTables(page, Object.values(providers)));
const sources = await permissionSources(policyBooks());
update('permissions.md', (page) => withPermissionTable(page, sources));
