import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, it } from 'vitest';

it('Node runs every source file as it stands, which its reader of TypeScript decides and not the compiler', () => {
  const files = ['lib', 'cli', 'lambdas', 'local', 'simulators'].flatMap((folder) => globSync(`${folder}/**/*.ts`));
  const refused = files.flatMap((file) => {
    try {
      stripTypeScriptTypes(readFileSync(file, 'utf8'));
      return [];
    } catch (error) {
      return [`${file}: ${error instanceof Error ? error.message : error}`];
    }
  });
  expect(files.length).toBeGreaterThan(500);
  expect(refused).toEqual([]);
});
