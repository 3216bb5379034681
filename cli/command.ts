import { Command, Help } from 'commander';
import { asCalled, calledAs } from './called-as.ts';

/** A command whose own complaints are one sentence and an exit status, and whose help ends with examples. */
export function newCommand(
  name: string,
  help: { summary: string; examples?: readonly Example[]; notes?: string },
): Command {
  const command = new Command(name).description(help.summary).exitOverride().showSuggestionAfterError();
  command.configureOutput({
    outputError: (text, write) => write(`batchdrop: ${asSentence(text)}${longerOption(command, text)}\n`),
  });
  command.configureHelp({ commandUsage: (each) => new Help().commandUsage(each).replace(/^batchdrop/, calledAs()) });
  const { examples = [], notes } = help;
  const parts = [...(notes ? [notes] : []), ...(examples.length > 0 ? [examplesText(examples)] : [])];
  if (parts.length > 0) command.addHelpText('after', `\n${parts.join('\n\n')}`);
  return command;
}

/** What it does, and the command that does it. */
export type Example = readonly [does: string, command: string];

function examplesText(examples: readonly Example[]): string {
  return ['Examples:', ...examples.map(([does, command]) => `  # ${does}\n  ${asCalled(command)}`)].join('\n');
}

/** Commander knows what a mistyped option may mean, but not one of which the end was left out, such as `--max-cost`. */
function longerOption({ options }: Command, text: string): string {
  const [, typed] = /^error: unknown option '(--[^'=]{3,})[^']*'\s*$/.exec(text) ?? [];
  const meant = typed && options.find(({ long, hidden }) => !hidden && long?.startsWith(`${typed}-`));
  return meant ? ` (Did you mean ${meant.long}?)` : '';
}

/** Commander's "error: unknown option '--tiemout'\n(Did you mean --timeout?)" on one line. */
function asSentence(text: string): string {
  const sentence = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
}
