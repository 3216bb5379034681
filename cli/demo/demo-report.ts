import { styleText } from 'node:util';
import { describeAnswer } from './answer.ts';
import { findResultProblems } from './result-check.ts';
import { findResultLine, type ResultFile, type Results, readSpending } from './results.ts';

/** One answer of each kind. */
const showcase = [
  { title: 'chat', file: 'openai-chat.jsonl', customId: 'plain' },
  { title: 'tool call', file: 'openai-chat.jsonl', customId: 'tool-call' },
  { title: 'JSON of a schema', file: 'openai-chat.jsonl', customId: 'json-schema' },
  { title: 'embedding', file: 'embeddings.jsonl', customId: 'sentence' },
  { title: 'answered by Claude', file: 'anthropic-chat.jsonl', customId: 'conversation' },
  { title: "Claude's own form", file: 'anthropic-native.jsonl', customId: 'native-plain' },
  { title: 'a row of a table', file: 'reviews.csv', customId: 'review-1' },
  { title: 'refused', file: 'openai-chat.jsonl', customId: 'refused' },
];

const maxAnswerLength = 110;

/** All that is shown at the end. */
export function demoReport(all: readonly Results[], problems: readonly string[]): string {
  return [answersReport(all), filesReport(all), costReport(all), verdict(all, problems)].join('\n\n');
}

/** The same for programs. */
export function describeResults(all: readonly Results[]) {
  return all.map((results) => ({
    file: results.drop.file,
    batch_id: results.drop.status?.batch_id ?? null,
    status: results.drop.status?.status ?? null,
    request_counts: results.drop.status?.request_counts ?? null,
    output: results.output?.path ?? null,
    errors: results.errors?.path ?? null,
    summary: results.summary?.path ?? null,
    table: results.table?.path ?? null,
    cost_usd: readSpending(results).usd,
  }));
}

function answersReport(all: readonly Results[]): string {
  const lines = showcase.map(({ title, file, customId }) => {
    const results = all.find(({ drop }) => drop.file === file);
    const line = results ? findResultLine(results, customId) : null;
    return `  ${title.padEnd(20)} ${line === null ? 'no answer' : cut(describeAnswer(line))}`;
  });
  return [`${styleText('bold', 'Some answers')}, in the words of the simulators`, ...lines].join('\n');
}

function cut(text: string): string {
  return text.length <= maxAnswerLength ? text : `${text.slice(0, maxAnswerLength - 1)}…`;
}

function filesReport(all: readonly Results[]): string {
  const lines = all.flatMap(({ drop, output, errors, summary, table }) => [
    `  ${drop.file}`,
    ...fileLines('output', output),
    ...fileLines('errors', errors),
    ...fileLines('summary', summary),
    ...fileLines('table', table),
  ]);
  return [`${styleText('bold', 'The files')}, in the bucket and as local copies`, ...lines].join('\n');
}

function fileLines(name: string, file: ResultFile | null): string[] {
  return file ? [`    ${name.padEnd(8)} ${file.uri}`, `    ${''.padEnd(8)} ${file.path}`] : [];
}

function costReport(all: readonly Results[]): string {
  const spendings = all.map(readSpending);
  const inputTokens = spendings.reduce((sum, spending) => sum + spending.inputTokens, 0);
  const outputTokens = spendings.reduce((sum, spending) => sum + spending.outputTokens, 0);
  const usd = spendings.reduce<number | null>((sum, { usd }) => (sum === null || usd === null ? null : sum + usd), 0);
  const cost = usd === null ? 'of unknown price' : `for $${usd.toFixed(6)}`;
  const tokens = `${inputTokens.toLocaleString('en')} tokens in, ${outputTokens.toLocaleString('en')} out`;
  return `${styleText('bold', 'Cost')}: ${tokens}, ${cost}, had the providers been real.`;
}

/** @returns a sentence for everything that did not come out as promised. */
export function findProblems(all: readonly Results[]): string[] {
  return all.flatMap(({ drop, output, errors, table }) => [
    ...endProblems(drop),
    ...(drop.file.endsWith('.csv') && !table ? [`${drop.file}: the batch has no results table.`] : []),
    ...findResultProblems(drop.lines, output?.lines ?? [], errors?.lines ?? []).map((text) => `${drop.file}: ${text}`),
  ]);
}

/** @returns a sentence where the batch did not complete. */
export function endProblems({ file, status }: Results['drop']): string[] {
  if (status?.status === 'completed') return [];
  const message = status?.first_error?.message;
  return [`${file}: the batch ended as ${status?.status}${message ? `: ${message}` : '.'}`];
}

function verdict(all: readonly Results[], problems: readonly string[]): string {
  const count = all.reduce((sum, { drop }) => sum + drop.lines.length, 0);
  if (problems.length > 0) return [styleText('red', 'Not as it should be:'), ...problems].join('\n  ');
  return styleText('green', `Each of the ${count} requests came back exactly once, in the order of its file.`);
}
