import { z } from 'zod';
import { wrongBody } from './answer-faults.ts';
import {
  type BatchFault,
  batchFaultSchema,
  type CallFault,
  type Fault,
  type FaultMatch,
  type FaultOfKind,
  faultSchema,
  type Operation,
} from './faults.ts';
import type { Reply } from './http-server.ts';
import { readRecord, writeRecord } from './state-store.ts';

/** What a fault's match looks at in one request line. */
export interface LineTraits {
  customId: string;
  model: string;
  /** The line as raw JSON. */
  text: string;
}

/** The batch that a call is about. */
export interface FaultSubject {
  endpoint: string;
  /** Called only for a fault that looks at lines, since it reads the input. */
  lines(): AsyncIterable<LineTraits>;
}

export function lineMatches(match: FaultMatch | undefined, line: LineTraits): boolean {
  if (match?.model !== undefined && match.model !== line.model) return false;
  if (match?.customId !== undefined && match.customId !== line.customId) return false;
  return match?.text === undefined || line.text.includes(match.text);
}

async function subjectMatches(match: FaultMatch | undefined, subject: FaultSubject | null): Promise<boolean> {
  if (match === undefined) return true;
  if (subject === null) return false;
  if (match.endpoint !== undefined && match.endpoint !== subject.endpoint) return false;
  const looksAtLines = match.model !== undefined || match.customId !== undefined || match.text !== undefined;
  if (!looksAtLines) return true;
  for await (const line of subject.lines()) if (lineMatches(match, line)) return true;
  return false;
}

const standingFaultSchema = z.strictObject({
  fault: faultSchema,
  timesLeft: z.number().nullable(),
  orderedAtMs: z.number().default(0),
});
type StandingFault = z.infer<typeof standingFaultSchema>;

/** The faults on order, with what is left of their budgets; kept on disk so that a restart does not refill them. */
export class FaultPlan {
  readonly #path: string;
  #standing: StandingFault[];
  /** The last two answers of each operation, the newest first. */
  readonly #earlier = new Map<Operation, Reply[]>();

  constructor(path: string, faults: Fault[] | undefined) {
    this.#path = path;
    this.#standing = z.array(standingFaultSchema).parse(readRecord(path) ?? []);
    if (faults !== undefined) this.replace(faults);
  }

  replace(faults: Fault[]): void {
    this.#standing = faults.map((fault) => ({ fault, timesLeft: fault.times ?? null, orderedAtMs: Date.now() }));
    this.#save();
  }

  /** The faults that strike this call; their budgets shrink. `subject` is null where no batch is concerned. */
  async takeCallFaults(operation: Operation, subject: FaultSubject | null): Promise<CallFault[]> {
    const taken: CallFault[] = [];
    for (const standing of this.#standing) {
      const fault = standing.fault;
      if (!isAimedAt(fault, operation)) continue;
      if (await this.#take(standing, subject)) taken.push(fault);
    }
    return taken;
  }

  /** The faults that a new batch carries for life. */
  async takeBatchFaults(subject: FaultSubject): Promise<BatchFault[]> {
    const taken: BatchFault[] = [];
    for (const standing of this.#standing) {
      const parsed = batchFaultSchema.safeParse(standing.fault);
      if (parsed.success && (await this.#take(standing, subject))) taken.push(parsed.data);
    }
    return taken;
  }

  async takeTokenLimit(subject: FaultSubject): Promise<FaultOfKind<'token_limit'> | null> {
    for (const standing of this.#standing) {
      const fault = standing.fault;
      if (fault.kind === 'token_limit' && (await this.#take(standing, subject))) return fault;
    }
    return null;
  }

  async takeRateLimit(subject: FaultSubject): Promise<FaultOfKind<'rate_limit'> | null> {
    for (const standing of this.#standing) {
      const fault = standing.fault;
      if (fault.kind === 'rate_limit' && (await this.#take(standing, subject))) return fault;
    }
    return null;
  }

  async takeGarbledAnswer(subject: FaultSubject): Promise<FaultOfKind<'garbled_answer'> | null> {
    for (const standing of this.#standing) {
      const fault = standing.fault;
      if (fault.kind === 'garbled_answer' && (await this.#take(standing, subject))) return fault;
    }
    return null;
  }

  async takeTruncation(subject: FaultSubject): Promise<FaultOfKind<'truncated_download'> | null> {
    for (const standing of this.#standing) {
      const fault = standing.fault;
      if (fault.kind === 'truncated_download' && (await this.#take(standing, subject))) return fault;
    }
    return null;
  }

  /** Keeps what an operation answers, for a fault that answers with it later. @returns the answer itself. */
  remember(operation: Operation, reply: Reply): Reply {
    this.#earlier.set(operation, [reply, ...(this.#earlier.get(operation) ?? [])].slice(0, 2));
    return reply;
  }

  /** @param right the answer of now, which was remembered a moment ago. */
  wrongBody(fault: FaultOfKind<'wrong_body'>, right: Reply): Reply {
    return wrongBody(fault, right, this.#earlier.get(fault.operation)?.[1]);
  }

  async #take(standing: StandingFault, subject: FaultSubject | null): Promise<boolean> {
    const { lastsMs = Number.POSITIVE_INFINITY } = standing.fault;
    if (Date.now() >= standing.orderedAtMs + lastsMs) return false;
    if (!(await subjectMatches(standing.fault.match, subject))) return false;
    // Looked at after the wait: another call may have spent the budget meanwhile.
    if (standing.timesLeft === null) return true;
    if (standing.timesLeft === 0) return false;
    standing.timesLeft -= 1;
    this.#save();
    return true;
  }

  #save(): void {
    writeRecord(this.#path, this.#standing);
  }
}

function isAimedAt(fault: Fault, operation: Operation): fault is CallFault {
  if (fault.kind === 'unordered_list' || fault.kind === 'repeated_page') return operation === 'list';
  return 'operation' in fault && fault.operation === operation;
}
