import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('docs/pipelines.md shows the machine that test/deployed runs', () => {
  const [, shown] = readFileSync('docs/pipelines.md', 'utf8').match(/```json\n(\{[\s\S]+?)```/) ?? [];
  expect(shown).toBe(readFileSync('examples/wait-for-batch.asl.json', 'utf8'));
});
