import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TerminalScreen } from '../../scripts/terminal-screen.ts';

const root = join(import.meta.dirname, '../..');

it('a recording shows what a terminal would show', () => {
  const screen = new TerminalScreen();
  screen.write('\u001b[1mbold\u001b[22m plain\r\n⠋ working\u001b[?25l');
  screen.write('\u001b[2K\u001b[1A\u001b[2K\u001b[G\u001b[32m✔\u001b[39m done\r\n');
  expect(screen.lines().map((runs) => runs.map(({ text, styles }) => [text, ...styles]))).toEqual([
    [['✔', 'green'], [' done']],
    [],
  ]);
});

it('the picture of the README is a recording of the commands that the README names', () => {
  const [readme, svg] = ['README.md', 'docs/run.svg'].map((path) => readFileSync(join(root, path), 'utf8'));
  expect(readme).toContain('](docs/run.svg)');
  const said = [...(svg ?? '').matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text).join('');
  for (const command of [
    './batchdrop validate examples/openai-chat.jsonl',
    './batchdrop submit examples/openai-chat.jsonl --wait',
  ]) {
    expect(readme).toContain(command);
    expect(said.replaceAll(/\s+/g, '')).toContain(command.replaceAll(' ', ''));
  }
  expect(said).toContain('answered');
  expect(said).toContain('simulated');
});
