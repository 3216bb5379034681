import { Command, Help } from 'commander';
import { asCalled, calledAs } from './called-as.ts';

/** A command whose own complaints are one sentence and an exit status, and whose help ends with examples. */
export function newCommand(
  name: string,
  help: { summary: string; examples?: readonly Example[]; notes?: string },
): Command {
  const command = new Command(name).description(help.summary).exitOverride().showSuggestionAfterError();
  command.configureOutput({ outputError: (text, write) => write(`batchdrop: ${asSentence(text)}\n`) });
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

/** Commander's "error: unknown option '--tiemout'\n(Did you mean --timeout?)" on one line. */
function asSentence(text: string): string {
  const sentence = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
}
