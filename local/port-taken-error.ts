/** Another program listens there. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';

  constructor(port: number, options?: ErrorOptions) {
    super(`Port ${port} of 127.0.0.1 is taken by another program; name another one, or 0 for a free one.`, options);
  }
}
