import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { permissionSources, withPermissionTable } from '../../scripts/permission-table.ts';
import { readBooks } from '../policies/permissions.ts';

const page = readFileSync('docs/permissions.md', 'utf8');

it('docs/permissions.md has every call of each function with its grant', async () => {
  const table = withPermissionTable(page, await permissionSources(readBooks()));
  expect(page, 'docs/permissions.md is behind the code or the roles: run `npm run docs`').toBe(table);
  expect(table.split('\n').filter((line) => line.startsWith('| api |')).length).toBeGreaterThan(8);
});
