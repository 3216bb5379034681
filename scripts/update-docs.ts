import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { providers } from '../lib/providers/registry.ts';
import { withProviderTables } from './provider-tables.ts';

// Writes the generated part of docs/providers.md. Usage: npm run docs

const path = join(import.meta.dirname, '../docs/providers.md');
writeFileSync(path, withProviderTables(readFileSync(path, 'utf8'), Object.values(providers)));
