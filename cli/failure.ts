import { CommanderError } from 'commander';
import { messageOf, safeText } from '../lib/records/errors.ts';
import { CommandError, type ExitStatus, exitStatus } from './exit-status.ts';
import { isPackageMissing, missingPackageSentence } from './missing-package.ts';
import { printable } from './output/printable.ts';

/** Errors that the user can do something about, by their literal names, so that nothing is loaded to know them. */
const statusOfName: Record<string, ExitStatus> = {
  InvalidInputError: exitStatus.invalid,
  ConfigurationError: exitStatus.invalid,
  NotFoundError: exitStatus.invalid,
  ConflictError: exitStatus.invalid,
  NotSupportedError: exitStatus.invalid,
  DataFolderInUseError: exitStatus.invalid,
  PortTakenError: exitStatus.invalid,
  TransientError: exitStatus.unreachable,
  ProviderAuthenticationError: exitStatus.unreachable,
  AuthenticationError: exitStatus.unreachable,
};

export function exitStatusOf(error: unknown): ExitStatus {
  if (error instanceof CommandError) return error.status;
  if (isPackageMissing(error)) return exitStatus.invalid;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.succeeded : exitStatus.invalid;
  if (!(error instanceof Error)) return exitStatus.unexpected;
  return statusOfName[error.name] ?? (fileSentence(error) === null ? exitStatus.unexpected : exitStatus.invalid);
}

/** What Node's system errors about files mean. */
const fileErrors: Record<string, (path: string) => string> = {
  ENOENT: (path) => `There is no file ${path}.`,
  EISDIR: (path) => `${path} is a folder.`,
  ENOTDIR: (path) => `There is no file ${path}.`,
  EACCES: (path) => `${path} may not be read or written.`,
  EPERM: (path) => `${path} may not be read or written.`,
  ENOSPC: (path) => `There is no space left for ${path}.`,
};

/** @returns null for any other error. */
function fileSentence(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  const describe = fileErrors[String(error.code)];
  if (!describe) return null;
  return describe('path' in error ? String(error.path) : 'What was named');
}

/**
 * Says on standard error what went wrong, in one sentence or one JSON object; with BATCHDROP_DEBUG set, also where.
 *
 * @returns the exit status.
 */
export async function reportFailure(error: unknown, asJson = false): Promise<ExitStatus> {
  const status = exitStatusOf(error);
  if (!(error instanceof CommanderError)) {
    const message = (await missingPackageSentence(error)) ?? sentenceOf(error, status);
    console.error(asJson ? JSON.stringify({ error: { message, exit_status: status } }) : `batchdrop: ${message}`);
  }
  if (process.env.BATCHDROP_DEBUG) console.error(error);
  return status;
}

function sentenceOf(error: unknown, status: ExitStatus): string {
  const message = printable(safeText((fileSentence(error) ?? messageOf(error)).replaceAll(/\s*\n\s*/g, ' ')));
  return status === exitStatus.unexpected
    ? `Something unexpected happened: ${message} (BATCHDROP_DEBUG=1 shows where.)`
    : message;
}
