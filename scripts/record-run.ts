import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalStack } from '../local/runtime.ts';
import { type Run, TerminalScreen } from './terminal-screen.ts';

// Records a real run on a terminal as docs/run.svg, the picture at the top of the README. Needs util-linux's script.
// Usage: node scripts/record-run.ts

/** Gives a command a terminal of its own; part of util-linux. */
const recorder = 'script';

const root = join(import.meta.dirname, '..');
const columns = 108;
const typed = [
  './batchdrop validate examples/openai-chat.jsonl',
  './batchdrop submit examples/openai-chat.jsonl --wait',
];

/** What the terminal showed from a moment on. */
interface Frame {
  atMs: number;
  lines: Run[][];
}

/** Frames that come faster are not seen. */
const frameMs = 120;
/** Between the keys of a person, and between two commands. */
const keyMs = 35;
const pauseMs = 900;

async function record(environment: NodeJS.ProcessEnv): Promise<Frame[]> {
  const screen = new TerminalScreen();
  const frames: Frame[] = [];
  let atMs = 0;
  const show = (text: string, elapsedMs: number) => {
    atMs += elapsedMs;
    screen.write(text);
    const last = frames.at(-1);
    if (last && atMs - last.atMs < frameMs) last.lines = screen.lines();
    else frames.push({ atMs, lines: screen.lines() });
  };
  for (const command of typed) {
    show('\u001b[1m$ \u001b[22m', pauseMs);
    for (const key of command) show(key, keyMs);
    show('\r\n', pauseMs / 2);
    await played(command, environment, show);
    show('\r\n', 0);
  }
  return frames;
}

/** Runs a command on a terminal of its own and hands on what it writes, when it writes it. */
async function played(
  command: string,
  environment: NodeJS.ProcessEnv,
  show: (text: string, elapsedMs: number) => void,
): Promise<void> {
  const child = spawn(recorder, ['-qec', `stty cols ${columns} rows 40; ${command}`, '/dev/null'], {
    cwd: root,
    env: { ...environment, TERM: 'xterm-256color', CI: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seenAtMs = performance.now();
  for await (const chunk of child.stdout) {
    const nowMs = performance.now();
    show(String(chunk), nowMs - seenAtMs);
    seenAtMs = nowMs;
  }
}

const lineHeight = 20;
const charWidth = 8.43;
const padding = 16;
const colours: Record<string, string> = { red: '#f47067', green: '#6bc46d', yellow: '#d9a441', cyan: '#56b6c2' };

/** Each frame is seen from its time to the next one's; the last one stays, also where nothing moves. */
function svgOf(frames: readonly Frame[]): string {
  const rows = Math.max(...frames.map(({ lines }) => lines.length));
  const [width, height] = [Math.ceil(columns * charWidth + 2 * padding), rows * lineHeight + 2 * padding];
  const shown = frames.map(({ atMs, lines }, place) => {
    const begin = (atMs / 1_000).toFixed(2);
    const next = frames[place + 1];
    const set = next
      ? `<set attributeName="visibility" to="visible" begin="${begin}s" end="${(next.atMs / 1_000).toFixed(2)}s"/>`
      : `<set attributeName="visibility" to="hidden" begin="0s" end="${begin}s"/>`;
    return `<g${next ? ' visibility="hidden"' : ''}>${set}${lines.map(textOf).join('')}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run of batchdrop on a terminal">
<!-- Made by scripts/record-run.ts -->
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d5d9e0;white-space:pre}.bold{font-weight:700}.dim{fill:#8b949e}${Object.entries(
    colours,
  )
    .map(([name, colour]) => `.${name}{fill:${colour}}`)
    .join('')}</style>
<rect width="100%" height="100%" rx="8" fill="#16191f"/>
${shown.join('\n')}
</svg>
`;
}

function textOf(runs: readonly Run[], row: number): string {
  const y = padding + (row + 0.75) * lineHeight;
  const spans = runs.map(({ column, text, styles }) => {
    const x = (padding + column * charWidth).toFixed(1);
    const width = (text.length * charWidth).toFixed(1);
    const name = styles.length > 0 ? ` class="${styles.join(' ')}"` : '';
    return `<text x="${x}" y="${y}" textLength="${width}"${name}>${escaped(text)}</text>`;
  });
  return spans.join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const folder = mkdtempSync(join(tmpdir(), 'batchdrop-recording-'));
const stack = await startLocalStack({ dataDir: folder, simulateAll: true });
try {
  const { PATH, HOME } = process.env;
  const frames = await record({ PATH, HOME, BATCHDROP_URL: stack.apiUrl, BATCHDROP_API_KEY: stack.apiKey });
  writeFileSync(join(root, 'docs/run.svg'), svgOf(frames));
} finally {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
}
