import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BatchRecord, LineError } from './batch-record.ts';
import { type LineTraits, lineMatches } from './fault-plan.ts';
import type { FaultOfKind } from './faults.ts';
import { readRecord, writeRecord } from './state-store.ts';

/** Remembers which request bodies met a line error, so that a `first_submission` fault spares them the next time. */
export class FailedBodies {
  readonly #path: string;
  readonly #batchIdByBody: Map<string, string>;

  constructor(path: string) {
    this.#path = path;
    this.#batchIdByBody = new Map(z.array(z.tuple([z.string(), z.string()])).parse(readRecord(path) ?? []));
  }

  /** A batch's own memory does not count: its input may be read again after a restart. */
  wasStruckBefore(bodyHash: string, batchId: string): boolean {
    const known = this.#batchIdByBody.get(bodyHash);
    return known !== undefined && known !== batchId;
  }

  remember(bodyHashes: string[], batchId: string): void {
    if (bodyHashes.length === 0) return;
    for (const bodyHash of bodyHashes) this.#batchIdByBody.set(bodyHash, batchId);
    writeRecord(this.#path, [...this.#batchIdByBody]);
  }
}

interface Candidate {
  index: number;
  bodyHash: string;
}

/** Draws, while a batch's input is read, the lines that its `line_errors` faults strike. */
export class LineErrorDraw {
  readonly #batchId: string;
  readonly #bodies: FailedBodies;
  readonly #draws: { fault: FaultOfKind<'line_errors'>; candidates: Candidate[] }[];

  constructor(record: BatchRecord, bodies: FailedBodies) {
    this.#batchId = record.id;
    this.#bodies = bodies;
    this.#draws = record.faults
      .filter((fault) => fault.kind === 'line_errors')
      .map((fault) => ({ fault, candidates: [] }));
  }

  consider(index: number, line: LineTraits, body: unknown): void {
    for (const { fault, candidates } of this.#draws) {
      if (!lineMatches(fault.match, line)) continue;
      const bodyHash = createHash('md5').update(JSON.stringify(body)).digest('hex');
      const isSpared = fault.when === 'first_submission' && this.#bodies.wasStruckBefore(bodyHash, this.#batchId);
      if (!isSpared) candidates.push({ index, bodyHash });
    }
  }

  /** @returns exactly the fraction of each fault's candidates, rounded up, chosen by the hash of their bodies. */
  finish(): [number, LineError][] {
    const struck = new Map<number, LineError>();
    for (const { fault, candidates } of this.#draws) {
      const chosen = candidates
        .toSorted((left, right) => (left.bodyHash < right.bodyHash ? -1 : 1))
        .slice(0, Math.ceil(candidates.length * fault.fraction));
      for (const { index } of chosen) struck.set(index, fault.error);
      this.#bodies.remember(
        chosen.map((candidate) => candidate.bodyHash),
        this.#batchId,
      );
    }
    return [...struck];
  }
}
