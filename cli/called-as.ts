import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';

/** Of a checkout; a package has its command alone. */
const checkoutScript = resolve(import.meta.dirname, '..', 'batchdrop');

/** What of this process says how it was called. */
export interface Call {
  environment: NodeJS.ProcessEnv;
  /** Of the file that Node was given. */
  scriptPath: string;
  workingFolder: string;
  /** The script of the checkout, where there is one. */
  checkout: string | null;
  isWindows: boolean;
}

/** The words by which this command line was called, so that the commands that it prints can be copied: `./batchdrop`, `npx batchdrop`. */
export function calledAs(call: Call = thisCall()): string {
  const { environment, checkout } = call;
  if (checkout === null) return installedCommand(call);
  if (environment.npm_lifecycle_event === 'cli' || call.isWindows) return 'npm run -s cli --';
  return pathCommand(environment.BATCHDROP_CALLED_AS ?? checkout, call);
}

function thisCall(): Call {
  return {
    environment: process.env,
    scriptPath: process.argv[1] ?? '',
    workingFolder: process.cwd(),
    checkout: existsSync(checkoutScript) ? checkoutScript : null,
    isWindows: process.platform === 'win32',
  };
}

/** npx and the scripts of somebody's package find the command where the shell does not. */
function installedCommand(call: Call): string {
  if (call.environment.npm_lifecycle_event !== undefined || isOfProject(call)) return 'npx batchdrop';
  return call.isWindows || isFoundByShell(call.scriptPath, call) ? 'batchdrop' : pathCommand(call.scriptPath, call);
}

function isOfProject({ scriptPath, workingFolder }: Call): boolean {
  return resolve(dirname(scriptPath)) === join(workingFolder, 'node_modules', '.bin');
}

/** @returns the name alone where the shell finds it, else the shorter of the path from here and the whole one. */
function pathCommand(typed: string, call: Call): string {
  const path = resolve(call.workingFolder, typed);
  if (isFoundByShell(path, call)) return 'batchdrop';
  const fromHere = relative(call.workingFolder, path);
  const isBelow = fromHere !== '' && !isAbsolute(fromHere) && !fromHere.startsWith('..');
  return shellWord(isBelow ? `./${fromHere}` : path);
}

function isFoundByShell(path: string, { environment }: Call): boolean {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return path.endsWith('batchdrop') && folders.some((folder) => resolve(folder) === dirname(path));
}

/** A command of this program as a person types it: `hint('wait', 'batch_0123')`. */
export function hint(...words: readonly string[]): string {
  return [calledAs(), ...words.map(shellWord)].join(' ');
}

/** Puts the form of the call in place of the name, in a command line of our own help. */
export function asCalled(commandLine: string): string {
  return commandLine.replaceAll(/(^|[\s(])batchdrop (?=[a-z])/g, (_whole, before: string) => `${before}${calledAs()} `);
}

/** A word that a shell takes as it is, in quotes where it would not. */
export function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : shellQuoted(word);
}

/** Within single quotes of sh. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
