import { usualPort } from '../start/port.ts';
import { ownReadyFile, type Ready, readReadyFile, usualDataDir } from '../start/ready-file.ts';

/** A stack on this machine, and its key where it is known. */
export interface LocalStackPlace {
  url: string;
  apiKey: string | null;
}

/** A machine may be busy; where nobody listens, it says so at once. */
const probeMilliseconds = 5_000;

/** @returns what the stack of this folder says of itself, while it runs. */
export function findReady(): Ready | null {
  const ready = readReadyFile(ownReadyFile(usualDataDir));
  return ready && isAlive(ready.pid) ? ready : null;
}

/** The stack of this folder, else one at the usual port. */
export async function findLocalStack(): Promise<LocalStackPlace | null> {
  const ready = findReady();
  if (ready) return { url: ready.apiUrl, apiKey: ready.apiKey };
  const url = `http://127.0.0.1:${usualPort}`;
  return (await answers(url)) ? { url, apiKey: null } : null;
}

/** A stack that was killed leaves its ready file behind. Signal 0 only asks. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const health = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(probeMilliseconds) });
    return health.ok;
  } catch {
    return false;
  }
}
