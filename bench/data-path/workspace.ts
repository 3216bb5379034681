import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files of one bench, removed at its end. */
export class Workspace implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'batchdrop-bench-'));

  /** @returns a folder of its own for one kind of lines. */
  subfolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
