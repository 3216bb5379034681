import { styleText } from 'node:util';
import { dollarsText } from '../../lib/records/dollars.ts';
import { columns } from '../output/columns.ts';
import { priceWords } from '../output/cost-text.ts';
import { printable } from '../output/printable.ts';
import { counted, countText } from '../output/quantities.ts';
import type { FileFinding, FileReport } from './file-validation.ts';

/** Says what a validation finds, as it finds it. */
export interface ValidationDisplay {
  add(finding: FileFinding): string;
  finish(report: FileReport): string;
}

/** `FILE:LINE: error CODE: MESSAGE`, as compilers write and editors read. */
export function plainDisplay(file: string): ValidationDisplay {
  return {
    add: ({ severity, line, code, message, param }) => {
      const place = line === null ? file : `${file}:${line}`;
      return `${place}: ${severity} ${code}: ${printable(message)}${param === null ? '' : ` (${printable(param)})`}\n`;
    },
    finish: (report) => `${summary(file, report)}; ${estimate(report)}\n`,
  };
}

/** One document, written as it grows: a file may have millions of findings. */
export function jsonDisplay(file: string): ValidationDisplay {
  let separator = '';
  const opening = `{"file":${JSON.stringify(file)},"findings":[`;
  let hasOpened = false;
  const open = () => {
    if (hasOpened) return '';
    hasOpened = true;
    return opening;
  };
  return {
    add: (finding) => {
      const text = `${open()}${separator}\n  ${JSON.stringify(finding)}`;
      separator = ',';
      return text;
    },
    finish: (report) => `${open()}\n],${JSON.stringify(report, null, 2).slice(1, -1).trimEnd()}\n}\n`,
  };
}

/** Line numbers of a warning that are named; the others are counted. */
const maxNamedLines = 8;

interface WarningGroup {
  count: number;
  lines: number[];
}

/** Errors one by one, the same warning on many lines together, a table of where the requests would go. */
export function terminalDisplay(file: string): ValidationDisplay {
  const warnings = new Map<string, WarningGroup>();
  const errorsOfCode = new Map<string, number>();
  return {
    add: (finding) => {
      if (finding.severity === 'error') {
        const count = (errorsOfCode.get(finding.code) ?? 0) + 1;
        errorsOfCode.set(finding.code, count);
        return count > maxShownErrors ? '' : errorLine(finding);
      }
      const group = warnings.get(finding.message) ?? { count: 0, lines: [] };
      group.count += 1;
      if (group.lines.length < maxNamedLines && finding.line !== null) group.lines.push(finding.line);
      warnings.set(finding.message, group);
      return '';
    },
    finish: (report) =>
      [
        ...[...errorsOfCode].flatMap(([code, count]) => moreErrors(code, count)),
        ...(report.errors > 0 ? [''] : []),
        ...[...warnings].flatMap(([message, group]) => warningLines(message, group)),
        ...groupLines(report),
        `${styleText('bold', summary(file, report))}; ${estimate(report)}`,
        verdict(report),
        '',
      ].join('\n'),
  };
}

/** Errors of one code that are shown; --json and pipes have them all. */
const maxShownErrors = 10;

function moreErrors(code: string, count: number): string[] {
  return count > maxShownErrors ? [`  and ${countText(count - maxShownErrors)} more of ${printable(code)}`] : [];
}

function errorLine({ line, code, message }: FileFinding): string {
  const place = (line === null ? 'file' : `line ${countText(line)}`).padEnd(10);
  return `${styleText('red', '✖')} ${place} ${printable(message)} ${styleText('dim', code)}\n`;
}

function warningLines(message: string, { count, lines }: WarningGroup): string[] {
  const named = lines.map(countText).join(', ');
  const more = count > lines.length ? ` and ${countText(count - lines.length)} more` : '';
  return [
    `${styleText('yellow', '!')} ${printable(message)}`,
    `  ${styleText('dim', `${count === 1 ? 'line' : 'lines'} ${named}${more}`)}`,
    '',
  ];
}

function groupLines({ groups }: FileReport): string[] {
  if (groups.length === 0) return [];
  const rows = groups.map(({ provider, model, endpoint, requests }) => [
    `  ${provider}`,
    printable(model),
    endpoint,
    counted(requests, 'request'),
  ]);
  return [...columns(rows), ''];
}

function summary(file: string, { lines, errors, warnings }: FileReport): string {
  return [
    `${printable(file)}: ${counted(lines, 'request')}`,
    errors === 0 ? 'no errors' : counted(errors, 'error'),
    ...(warnings === 0 ? [] : [counted(warnings, 'warning')]),
  ].join(', ');
}

function estimate(report: FileReport): string {
  const { usd, unpriced, prices } = report.estimated_cost;
  const bound = report.is_output_bound ? 'at most' : 'about';
  const tokens = `about ${countText(report.estimated_input_tokens)} tokens in, ${bound} ${countText(report.estimated_output_tokens)} out`;
  const cost =
    usd === null
      ? `${tokens}; no price is known for ${unpriced.map(printable).join(', ')}`
      : `${tokens}, about ${dollarsText(usd)}${prices === undefined || prices === 'batch' ? '' : priceWords[prices]}`;
  const problem =
    report.cost_problem === null ? [] : [`${report.cost_problem.code}: ${printable(report.cost_problem.message)}`];
  return [cost, ...report.assumptions.map(printable), ...problem].join('\n  ');
}

function verdict(report: FileReport): string {
  if (report.would_fail) return styleText('red', 'A batch of this file would fail; nothing would be sent.');
  if (report.invalid_lines > 0)
    return styleText('yellow', `${counted(report.invalid_lines, 'line')} would become error lines; the others run.`);
  return styleText('green', 'Valid.');
}
