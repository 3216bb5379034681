import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { cancelCommand, collectCommand, retryCommand, statusCommand, waitCommand } from './batch/batch-commands.ts';
import { explainCommand } from './batch/explain-command.ts';
import { filesCommand } from './batch/files-command.ts';
import { listCommand } from './batch/list-command.ts';
import { resultsCommand } from './batch/results-command.ts';
import { submitCommand } from './batch/submit-command.ts';
import { newCommand } from './command.ts';
import { completionCommand } from './completion/completion-command.ts';
import { consoleCommand } from './console/console-command.ts';
import { costsCommand } from './costs/costs-command.ts';
import { demoCommand } from './demo/demo-command.ts';
import { doctorCommand } from './doctor/doctor-command.ts';
import { keysCommand } from './keys/key-commands.ts';
import { logsCommand } from './logs/logs-command.ts';
import { previewCommand } from './preview/preview-command.ts';
import { serveCommand } from './serve/serve-command.ts';
import { startCommand } from './start/start-command.ts';
import { validateCommand } from './validate/validate-command.ts';

const lastGroup = 'Here and around:';

/** The whole command line. Commands load what they work with only when they run, so that help comes at once. */
export function createProgram(): Command {
  const program = newCommand('batchdrop', {
    summary: 'Runs large numbers of LLM requests through the batch APIs of their providers.',
    notes:
      'Exit status: 0 all succeeded, 1 some requests failed, 2 wrong usage or input, 3 the batch failed, expired or was\n' +
      'cancelled, 4 no connection or a refused key, 124 time is over. --json and --help work everywhere.',
    examples: [
      ['See it work, with no account and no key', 'batchdrop demo'],
      ['Run everything on this machine', 'batchdrop start'],
      ['Check a file, then run it', 'batchdrop validate requests.jsonl && batchdrop submit requests.jsonl --wait'],
      ['Fetch the answers', 'batchdrop results batch_0123 -o answers.jsonl'],
    ],
  });
  return program
    .enablePositionalOptions()
    .version(readVersion(), '-V, --version', 'print the version')
    .addHelpCommand(
      newCommand('help', { summary: 'Show the help of a command.' }).argument('[command]').helpGroup(lastGroup),
    )
    .commandsGroup('A file of requests:')
    .addCommand(validateCommand())
    .addCommand(previewCommand())
    .addCommand(submitCommand())
    .commandsGroup('A batch:')
    .addCommand(statusCommand())
    .addCommand(waitCommand())
    .addCommand(resultsCommand())
    .addCommand(explainCommand())
    .addCommand(logsCommand())
    .addCommand(cancelCommand())
    .addCommand(retryCommand())
    .addCommand(collectCommand())
    .commandsGroup('What is there:')
    .addCommand(listCommand())
    .addCommand(costsCommand())
    .addCommand(filesCommand())
    .addCommand(keysCommand())
    .commandsGroup(lastGroup)
    .addCommand(startCommand())
    .addCommand(consoleCommand())
    .addCommand(serveCommand())
    .addCommand(demoCommand())
    .addCommand(doctorCommand())
    .addCommand(completionCommand(() => program));
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
