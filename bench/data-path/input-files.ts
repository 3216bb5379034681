import { closeSync, openSync, writeSync } from 'node:fs';

/** Which kind of request lines a file holds. */
export type InputKind = 'raw' | 'anthropic' | 'native' | 'mixed';

const modelOf: Record<Exclude<InputKind, 'mixed'>, string> = {
  raw: 'gpt-5-mini',
  anthropic: 'claude-sonnet-4-5',
  native: 'claude-sonnet-4-5',
};
/** Lines of a mixed file go to these in turn. */
const mixedModels = ['gpt-5-mini', 'gpt-5', 'claude-sonnet-4-5', 'o3'];

const words = [
  'the',
  'quarterly',
  'report',
  'shows',
  'a',
  'steady',
  'growth',
  'of',
  'revenue',
  'in',
  'all',
  'regions,',
];

/** Writes request lines of about so many bytes. Every line differs. */
export function writeInputFile(path: string, kind: InputKind, lines: number, bytesPerLine: number): void {
  const text = fillerText(bytesPerLine);
  writeInBlocks(path, lines, (line) => {
    const model = kind === 'mixed' ? (mixedModels[line % mixedModels.length] ?? '') : modelOf[kind];
    const request = requestOf(kind, line, model, '');
    return requestOf(kind, line, model, text.slice(0, Math.max(1, bytesPerLine - request.length - 1)));
  });
}

function requestOf(kind: InputKind, line: number, model: string, text: string): string {
  const messages = [{ role: 'user', content: `Question ${line}: ${text}` }];
  const customId = `request-${line}`;
  if (kind === 'native') return JSON.stringify({ custom_id: customId, params: { model, max_tokens: 500, messages } });
  const system = { role: 'system', content: 'You answer briefly.' };
  const body = { model, messages: [system, ...messages], max_completion_tokens: 500, user: 'bench' };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body });
}

/** Text as users write it: a newline now and then, a quotation, no long run of one letter. */
export function fillerText(bytes: number): string {
  const pieces: string[] = [];
  for (let length = 0, at = 0; length < bytes; at += 1) {
    const word = words[(at * 7) % words.length] ?? '';
    const piece = at % 40 === 39 ? `"${word}"\n` : `${word} `;
    pieces.push(piece);
    length += piece.length;
  }
  return pieces.join('');
}

/** Writes lines through a buffer of some megabytes. */
export function writeInBlocks(path: string, lines: number, lineOf: (line: number) => string): void {
  const file = openSync(path, 'w');
  for (let from = 0; from < lines; from += 4096) {
    const block = Array.from({ length: Math.min(4096, lines - from) }, (_, place) => lineOf(from + place));
    writeSync(file, `${block.join('\n')}\n`);
  }
  closeSync(file);
}
