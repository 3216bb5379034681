import type { Command } from 'commander';

export interface FlagDescription {
  /** `--wait`, `-o`. */
  names: string[];
  takesValue: boolean;
  /** Empty where any value will do: then files are offered. */
  choices: readonly string[];
  summary: string;
}

export interface CommandDescription {
  /** Words after the program's name: `submit`, `keys create`; empty for the program itself. */
  path: string;
  summary: string;
  subcommands: { name: string; summary: string }[];
  /** What may stand as the first argument; empty where files or ids do. */
  choices: readonly string[];
  flags: FlagDescription[];
}

/** @returns the program and every command below it, parents first. */
export function describeCommands(program: Command): CommandDescription[] {
  return describe(program, '');
}

function describe(command: Command, path: string): CommandDescription[] {
  const visible = command.createHelp().visibleCommands(command);
  const own: CommandDescription = {
    path,
    summary: command.description(),
    subcommands: visible.map((subcommand) => ({ name: subcommand.name(), summary: subcommand.description() })),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    flags: command.createHelp().visibleOptions(command).map(describeFlag),
  };
  return [
    own,
    ...command.commands.flatMap((subcommand) => describe(subcommand, `${path} ${subcommand.name()}`.trim())),
  ];
}

function describeFlag(
  option: ReturnType<ReturnType<Command['createHelp']>['visibleOptions']>[number],
): FlagDescription {
  return {
    names: [option.long, option.short].flatMap((name) => name ?? []),
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
    summary: option.description,
  };
}

/** A shell function's name for a command: `_batchdrop_keys_create`. */
export function functionName(path: string): string {
  return ['_batchdrop', ...path.split(' ').filter((word) => word !== '')].join('_').replaceAll('-', '_');
}
