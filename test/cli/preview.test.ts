import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandIn } from './command.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-preview-'));
  const body = { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Label: {{ row["Review Text"] }}' }] };
  writeFileSync(
    join(folder, 'label.json'),
    JSON.stringify({ custom_id: '{{ id }}', body: { ...body, max_completion_tokens: 9 } }),
  );
  writeFileSync(
    join(folder, 'reviews.csv'),
    'id,Review Text,stars\n1,good,5\n2,"bad, really",1\n3,so so,3\n4,fine,4\n',
  );
  const columnData = [
    { name: 'id', data: [1, 2] },
    { name: 'Review Text', data: ['good', null] },
    { name: 'stars', data: [5, 1] },
  ];
  writeFileSync(join(folder, 'reviews.csv.gz'), gzipSync('id,Review Text\n1,good\n'));
  writeFileSync(join(folder, 'reviews.parquet'), Buffer.from(parquetWriteBuffer({ columnData })));
  writeFileSync(join(folder, 'ragged.csv'), 'id,Review Text\n1,good\n2\n');
  writeFileSync(join(folder, 'other.csv'), 'id,Review\n1,good\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const preview = (...args: string[]) => commandIn(folder, ['preview', ...args]).ended;

describe.concurrent('preview', { timeout: 120_000 }, () => {
  it('shows the first requests as they would be sent, what is not used, and the cost of all', async () => {
    const { code, stdout, stderr } = await preview('reviews.csv', '--template', 'label.json', '--rows', '2');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('"content": "Label: bad, really"');
    expect(stdout).not.toContain('so so');
    expect(stdout).toContain('Not used: stars\n');
    expect(stdout).toMatch(/4 rows, 4 requests: about \d+ input tokens, at most 36 output tokens, .*\$0\.\d+/);
  });

  it('says as JSON what is wrong with which row, and ends with 2 where a batch would fail', async () => {
    const { code, stdout } = await preview('ragged.csv', '--template', 'label.json', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      requests: [{ custom_id: '1' }],
      findings: [{ line: 2, code: 'invalid_row', message: 'Row 2 has 1 cells, but the table has 2 columns.' }],
      report: { lines: 2, invalid_lines: 1, would_fail: true },
    });
  });

  it('reads Parquet', async () => {
    const { code, stdout } = await preview(
      'reviews.parquet',
      '--template',
      'label.json',
      '--columns',
      'id,Review Text',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('"content": "Label: good"');
    expect(stdout).not.toContain('Not used');
  });

  it('reads what is compressed', async () => {
    const { code, stdout } = await preview('reviews.csv.gz', '--template', 'label.json');
    expect(code).toBe(0);
    expect(stdout).toContain('"content": "Label: good"');
  });

  it('says which column the template misses', async () => {
    const { code, stderr } = await preview('other.csv', '--template', 'label.json');
    expect(code).toBe(2);
    expect(stderr).toContain("the table has no column 'Review Text'");
  });
});
