import { createServer } from 'node:net';
import { InvalidArgumentError } from 'commander';

/** Ports that stay the same from start to start, as long as nobody else has them. */
export const usualPort = 8700;
export const usualS3Port = 8701;

/** Reads the value of a flag such as --port. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It is a number from 0 to 65535; 0 takes a free port.');
}

/** @returns the port itself where nobody listens on it, else 0 for a free one. */
export function unlessTaken(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}
