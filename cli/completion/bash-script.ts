import { shellQuoted } from '../called-as.ts';
import type { CommandDescription } from './command-tree.ts';

/**
 * Finds the longest command among the words so far, then offers its subcommands and flags, a flag's values, or files.
 * Needs bash alone, not bash-completion, and runs nothing when the key is pressed.
 */
export function bashScript(commands: readonly CommandDescription[]): string {
  return `# bash completion for batchdrop
_batchdrop() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${commands.flatMap(({ path }) => (path === '' ? [] : [shellQuoted(path)])).join(' | ')}) path="\${path:+$path }$word" ;;
    esac
  done
  COMPREPLY=()
  case "$path $previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$path" in
${commands.map(wordsCase).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _batchdrop batchdrop
`;
}

/** After a flag that takes a value: its choices, else files. */
function valueCases({ path, flags }: CommandDescription): string[] {
  return flags
    .filter(({ takesValue }) => takesValue)
    .map(({ names, choices }) => {
      const patterns = names.map((name) => shellQuoted(`${path} ${name}`)).join(' | ');
      const words =
        choices.length > 0 ? `COMPREPLY=($(compgen -W ${shellQuoted(choices.join(' '))} -- "$current")); ` : '';
      return `    ${patterns}) ${words}return ;;`;
    });
}

/** Flags only once a dash is typed; without a word to offer, bash falls back to files. */
function wordsCase({ path, subcommands, choices, flags }: CommandDescription): string {
  const plain = [...subcommands.map(({ name }) => name), ...choices].join(' ');
  const dashed = flags.flatMap(({ names }) => names).join(' ');
  return `    ${shellQuoted(path)}) if [[ $current == -* ]]; then words=${shellQuoted(dashed)}; else words=${shellQuoted(plain)}; fi ;;`;
}
