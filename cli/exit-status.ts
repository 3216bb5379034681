/** What the command says to the shell. 124 is what `timeout` of coreutils gives; 130 is the shell's own for Ctrl-C. */
export const exitStatus = {
  /** Every request succeeded, or the question was answered. */
  succeeded: 0,
  someFailed: 1,
  /** A wrong flag, an input that no batch can be made of, an id that nobody has. */
  invalid: 2,
  /** The batch failed, expired or was cancelled. */
  batchFailed: 3,
  /** The key was refused, or nobody answered. */
  unreachable: 4,
  /** A mistake of ours: BSD's EX_SOFTWARE. */
  unexpected: 70,
  timeout: 124,
  interrupted: 130,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** Ends the command with one sentence and a status. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: ExitStatus;

  constructor(status: ExitStatus, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
