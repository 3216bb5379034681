import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { newCommand } from './command.ts';

type Load = () => Promise<Command>;

const lastGroup = 'Here and around:';

/** By the titles of their groups in the help, and in its order. */
const commands: Record<string, Record<string, Load>> = {
  'A file of requests:': {
    validate: async () => (await import('./validate/validate-command.ts')).validateCommand(),
    preview: async () => (await import('./preview/preview-command.ts')).previewCommand(),
    submit: async () => (await import('./batch/submit-command.ts')).submitCommand(),
  },
  'A batch:': {
    status: async () => (await import('./batch/batch-commands.ts')).statusCommand(),
    wait: async () => (await import('./batch/batch-commands.ts')).waitCommand(),
    results: async () => (await import('./batch/results-command.ts')).resultsCommand(),
    explain: async () => (await import('./batch/explain-command.ts')).explainCommand(),
    logs: async () => (await import('./logs/logs-command.ts')).logsCommand(),
    cancel: async () => (await import('./batch/batch-commands.ts')).cancelCommand(),
    retry: async () => (await import('./batch/batch-commands.ts')).retryCommand(),
    collect: async () => (await import('./batch/batch-commands.ts')).collectCommand(),
  },
  'What is there:': {
    list: async () => (await import('./batch/list-command.ts')).listCommand(),
    costs: async () => (await import('./costs/costs-command.ts')).costsCommand(),
    files: async () => (await import('./batch/files-command.ts')).filesCommand(),
    keys: async () => (await import('./keys/key-commands.ts')).keysCommand(),
  },
  [lastGroup]: {
    start: async () => (await import('./start/start-command.ts')).startCommand(),
    console: async () => (await import('./console/console-command.ts')).consoleCommand(),
    serve: async () => (await import('./serve/serve-command.ts')).serveCommand(),
    demo: async () => (await import('./demo/demo-command.ts')).demoCommand(),
    doctor: async () => (await import('./doctor/doctor-command.ts')).doctorCommand(),
    completion: async () => {
      const { completionCommand } = await import('./completion/completion-command.ts');
      return completionCommand(() => createProgram([]));
    },
  },
};

/**
 * The command line. Where its first word is a command, no other one is loaded; and commands load what they work with only when
 * they run.
 */
export async function createProgram(words: readonly string[]): Promise<Command> {
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
  program
    .enablePositionalOptions()
    .version(readVersion(), '-V, --version', 'print the version')
    .addHelpCommand(
      newCommand('help', { summary: 'Show the help of a command.' }).argument('[command]').helpGroup(lastGroup),
    );
  const [first = ''] = words;
  const isOne = Object.values(commands).some((group) => Object.hasOwn(group, first));
  for (const [title, group] of Object.entries(commands)) {
    program.commandsGroup(title);
    for (const [name, load] of Object.entries(group)) if (!isOne || name === first) program.addCommand(await load());
  }
  return program;
}

function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return manifest.version;
}
