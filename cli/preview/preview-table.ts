import { InvalidInputError } from '../../lib/records/errors.ts';
import { parseOptions } from '../../lib/records/options.ts';
import { inputKind } from '../../lib/tables/input-kind.ts';
import { tableStart } from '../../lib/tables/row.ts';
import { TableReader } from '../../lib/tables/table-reader.ts';
import { compileTemplate } from '../../lib/tables/template.ts';
import { readLocalConfig } from '../../local/local-config.ts';
import { type BatchFlags, optionsOf } from '../batch-flags.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { costText } from '../output/cost-text.ts';
import { printable } from '../output/printable.ts';
import { counted } from '../output/quantities.ts';
import type { OutputOptions } from '../output/result.ts';
import { write } from '../output/write.ts';
import { usualDataDir } from '../start/ready-file.ts';
import { inputFile, tableBytesOf } from '../transport/input-file.ts';
import { readHead, readTemplate } from '../transport/template-file.ts';
import { type FileFinding, type FileReport, FileValidation } from '../validate/file-validation.ts';

interface PreviewOptions extends BatchFlags, OutputOptions {
  template?: string;
  rows?: number;
  config?: string;
}

interface Preview {
  /** As they would be sent. */
  requests: unknown[];
  /** Columns that the template does not name. */
  unused_columns: string[];
  /** The first of them. */
  findings: FileFinding[];
  report: FileReport;
}

const usualRows = 3;
const maxShownFindings = 10;

/** @returns 0 where all rows become requests, 1 where some would become error lines, 2 where a batch would fail. */
export async function previewTable(path: string, options: PreviewOptions): Promise<ExitStatus> {
  const preview = await previewOf(path, options);
  await write(options.json ? `${JSON.stringify(preview, null, 2)}\n` : textOf(preview));
  if (preview.report.would_fail) return exitStatus.invalid;
  return preview.report.invalid_lines > 0 ? exitStatus.someFailed : exitStatus.succeeded;
}

async function previewOf(path: string, options: PreviewOptions): Promise<Preview> {
  if (options.template === undefined)
    throw new InvalidInputError('template_missing', '--template names the file that says what to ask of each row.');
  const config = readLocalConfig(usualDataDir, options.config);
  const batchOptions = parseOptions({ ...config.defaults, ...optionsOf(options) });
  const { delimiter, columns, endpoint } = batchOptions;
  const template = compileTemplate(await readTemplate(options.template), endpoint);
  const file = await inputFile(path);
  const { name } = file;
  const kind = inputKind(name, await readHead(file), true);
  if (kind === 'requests') throw new InvalidInputError('unsupported_file', `${path} is no table.`);
  const reader = new TableReader({ kind, delimiter, columns }, template);
  const validation = new FileValidation(config, batchOptions);
  const requests: unknown[] = [];
  const findings: FileFinding[] = [];
  const seen = new Set<string>();
  for await (const { rows, lines } of reader.read(tableBytesOf(file), tableStart)) {
    for (const row of rows) for (const column of row.cells.keys()) seen.add(column);
    for (const line of lines) {
      if (line.bytes && requests.length < (options.rows ?? usualRows))
        requests.push(JSON.parse(line.bytes.toString('utf8')));
      const found = validation.findingsOf(line);
      findings.push(...found.slice(0, maxShownFindings - findings.length));
    }
  }
  const report = validation.report();
  if (report.lines === 0) throw new InvalidInputError('empty_file', `${path} has no rows.`);
  const used = new Set(template.columns);
  return { requests, unused_columns: [...seen].filter((column) => !used.has(column)), findings, report };
}

function textOf({ requests, unused_columns: unused, findings, report }: Preview): string {
  const shown = requests.map((request) => JSON.stringify(request, null, 2)).join('\n');
  const found = findings.map(({ severity, line, code, message }) =>
    printable(`row ${line}: ${severity} ${code}: ${message}`),
  );
  const rest = report.errors + report.warnings - findings.length;
  const { estimated_input_tokens: input, estimated_output_tokens: output, estimated_cost: cost } = report;
  return [
    shown,
    '',
    ...found,
    ...(rest > 0 ? [`and ${counted(rest, 'more finding')}`] : []),
    ...(unused.length > 0 ? [`Not used: ${unused.map((column) => printable(column)).join(', ')}`] : []),
    `${counted(report.lines, 'row')}, ${counted(report.lines - report.invalid_lines, 'request')}: about ${counted(input, 'input token')}, ${report.is_output_bound ? 'at most' : 'about'} ${counted(output, 'output token')}, ${costText(cost)}`,
    ...report.assumptions,
    '',
  ].join('\n');
}
