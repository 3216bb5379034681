/** How far a first JSON line is looked for: enough for a license header, little enough to hold. */
const maxProbedBytes = 1024 * 1024;

/** Tells, while a file streams by, whether it begins like JSON Lines: some line near its start is JSON. */
export class JsonLineProbe {
  #head: Buffer[] = [];
  #bytes = 0;
  #found = false;

  push(chunk: Buffer): void {
    if (this.#found || this.#bytes >= maxProbedBytes) return;
    this.#head.push(chunk.subarray(0, maxProbedBytes - this.#bytes));
    this.#bytes += chunk.length;
    if (chunk.includes('\n') || this.#bytes >= maxProbedBytes) this.#examine(this.#bytes >= maxProbedBytes);
  }

  /** To be asked once the file has ended. */
  get found(): boolean {
    if (!this.#found) this.#examine(this.#bytes >= maxProbedBytes);
    return this.#found;
  }

  /** What was read of a file in which none was found. */
  get head(): Buffer {
    return Buffer.concat(this.#head);
  }

  #examine(isCut: boolean): void {
    const lines = Buffer.concat(this.#head)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .split('\n');
    const cutLine = isCut ? lines.pop() : undefined;
    this.#found = lines.some(isJsonObject) || Boolean(cutLine?.trimStart().startsWith('{'));
    if (this.#found) this.#head = [];
  }
}

function isJsonObject(line: string): boolean {
  if (!line.trimStart().startsWith('{')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
