import { renameSync, writeFileSync } from 'node:fs';
import { policyBooks } from './policy-books.ts';

// Writes the policies of the stack of each configuration: node write-policies.ts <file>

const [file = ''] = process.argv.slice(2);
writeFileSync(`${file}.part`, JSON.stringify(policyBooks()));
renameSync(`${file}.part`, file);
