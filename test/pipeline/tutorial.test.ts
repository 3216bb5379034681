import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';

const page = readFileSync('docs/tutorial.md', 'utf8');
const example = (name: string) => readFileSync(join('examples', name), 'utf8');

let harness: Harness;
let folder: string;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  folder = await mkdtemp(join(tmpdir(), 'batchdrop-tutorial-'));
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  await rm(folder, { recursive: true });
  vi.useRealTimers();
});

describe('docs/tutorial.md', () => {
  it.each([
    ['csv', 'reviews.csv'],
    ['json', 'label.json'],
    ['sql', 'labels.sql'],
  ])('shows as %s what stands in examples/%s', (language, name) => {
    expect(page).toContain(`\`\`\`${language}\n${example(name)}\`\`\``);
  });

  it('leads from its table to its labels, and DuckDB reads them by its query', async () => {
    await harness.put('inbox/reviews/_template.json', example('label.json'));
    const batchId = await harness.drop('reviews/reviews.csv', example('reviews.csv'));
    await drive(harness, batchId ?? '');
    expect(await harness.status('reviews/reviews.csv')).toMatchObject({ status: 'completed', invalid_outputs: 0 });
    const table = await harness.services.objects.readBytes(`results/${batchId}/table/part-00000.csv`);
    const path = join(folder, 'labels.csv');
    await writeFile(path, table);
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(example('labels.sql').replace('labels.csv', path));
    const groups = reader.getRowObjects();
    connection.closeSync();
    instance.closeSync();
    expect(groups.reduce((sum, { reviews }) => sum + Number(reviews), 0)).toBe(4);
    for (const { sentiment, dollars } of groups) {
      expect(['good', 'bad']).toContain(sentiment);
      expect(Number(dollars)).toBeGreaterThan(0);
    }
  });
});
