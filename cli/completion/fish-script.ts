import type { CommandDescription, FlagDescription } from './command-tree.ts';

/** A line for each subcommand and flag, with the words that must stand before it. */
export function fishScript(commands: readonly CommandDescription[]): string {
  const [program] = commands;
  const lines = commands.flatMap((command) => [
    ...subcommandLines(command),
    ...flagLines(command),
    ...choiceLines(command),
  ]);
  return ['# fish completion for batchdrop', ...(program ? lines : []), ''].join('\n');
}

function subcommandLines({ path, subcommands }: CommandDescription): string[] {
  const names = subcommands.map(({ name }) => name).join(' ');
  const here =
    path === ''
      ? `not __fish_seen_subcommand_from ${names}`
      : `${seen(path)}; and not __fish_seen_subcommand_from ${names}`;
  return subcommands.map(
    ({ name, summary }) => `complete -c batchdrop -f -n ${quote(here)} -a ${name} -d ${quote(summary)}`,
  );
}

function choiceLines({ path, choices }: CommandDescription): string[] {
  return choices.length === 0
    ? []
    : [`complete -c batchdrop -f -n ${quote(seen(path))} -a ${quote(choices.join(' '))}`];
}

function flagLines({ path, flags }: CommandDescription): string[] {
  const condition = path === '' ? '' : ` -n ${quote(seen(path))}`;
  return flags.map((flag) => `complete -c batchdrop${condition}${flagWords(flag)} -d ${quote(flag.summary)}`);
}

function flagWords({ names, takesValue, choices }: FlagDescription): string {
  const words = names.map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('');
  if (!takesValue) return words;
  return choices.length > 0 ? `${words} -x -a ${quote(choices.join(' '))}` : `${words} -r`;
}

function seen(path: string): string {
  return path
    .split(' ')
    .map((word) => `__fish_seen_subcommand_from ${word}`)
    .join('; and ');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
