import { shellQuoted } from '../called-as.ts';
import { type CommandDescription, type FlagDescription, functionName } from './command-tree.ts';

/** A function for each command, by zsh's own `_arguments` and `_describe`. */
export function zshScript(commands: readonly CommandDescription[]): string {
  return `#compdef batchdrop
# zsh completion for batchdrop
${commands.map(commandFunction).join('\n')}
compdef _batchdrop batchdrop
`;
}

function commandFunction(command: CommandDescription): string {
  const flags = command.flags.map((flag) => `    ${shellQuoted(flagSpec(flag))} \\`).join('\n');
  const hasSubcommands = command.subcommands.length > 0;
  const rest = hasSubcommands ? subcommandSpecs : [argumentSpec(command)];
  return `${functionName(command.path)}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${flags}
    ${rest.join(' \\\n    ')}
${hasSubcommands ? dispatch(command) : ''}}`;
}

const subcommandSpecs = ["'1: :->command'", "'*:: :->rest'"];

function dispatch({ path, subcommands }: CommandDescription): string {
  const described = subcommands.map(({ name, summary }) => shellQuoted(`${name}:${colonFree(summary)}`)).join(' ');
  const cases = subcommands
    .map(({ name }) => `        ${name}) ${functionName(`${path} ${name}`)} ;;`)
    .filter((line) => !line.includes(' help) '));
  return `  local -a commands=(${described})
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
`;
}

function argumentSpec({ choices }: CommandDescription): string {
  return choices.length > 0 ? shellQuoted(`1: :(${choices.join(' ')})`) : "'*: :_files'";
}

/** `(-o --output)'{-o,--output}...` written out: `--output[summary]:value:_files`. */
function flagSpec({ names, takesValue, choices, summary }: FlagDescription): string {
  const [name = ''] = names;
  const described = `${name}[${colonFree(summary).replaceAll(/[[\]]/g, '')}]`;
  if (!takesValue) return described;
  return `${described}:value:${choices.length > 0 ? `(${choices.join(' ')})` : '_files'}`;
}

function colonFree(text: string): string {
  return text.replaceAll(':', ',');
}
