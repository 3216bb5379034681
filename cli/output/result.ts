/** What a command answers, in each of the forms in which it may be asked for. */
export interface CommandAnswer {
  /** For people. */
  terminal: () => string;
  /** For programs that read lines; the terminal's form where there is none. */
  pipe?: () => string;
  /** For programs that read JSON: one document. */
  json: unknown;
}

export interface OutputOptions {
  json?: boolean;
}

/** Standard output holds the answer and nothing else; progress and complaints go to standard error. */
export function printAnswer(answer: CommandAnswer, { json }: OutputOptions): void {
  if (json) console.log(JSON.stringify(answer.json, null, 2));
  else if (process.stdout.isTTY) console.log(answer.terminal());
  else printLines((answer.pipe ?? answer.terminal)());
}

/** Nothing to list is no line, not an empty one. */
function printLines(text: string): void {
  if (text !== '') console.log(text);
}

/** A sentence for people beside the answer; programs that read JSON get none. */
export function note(text: string, { json }: OutputOptions): void {
  if (!json) console.error(text);
}
