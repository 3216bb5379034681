import { randomUUID } from 'node:crypto';

/** A batch that a server accepted: whoever pays, pays for its lines. */
export interface Job {
  id: string;
  /** As they came, each a JSON object. */
  lines: Record<string, unknown>[];
  createdAtMs: number;
  inputFile: string | null;
  /** What its creation said of it. */
  said: Record<string, unknown>;
  isCancelled: boolean;
}

/** All that a server keeps. */
export class Work {
  readonly files = new Map<string, Buffer>();
  readonly jobs: Job[] = [];
  /** Every page of the list says that there is another one. */
  listNeverEnds = false;
  /** The list has nothing of what was created here. */
  listIsForeign = false;
  /** What becomes of results that stand in a bucket. */
  changeResults: (right: Buffer) => Buffer = (right) => right;

  /** @returns the file's id. */
  keep(bytes: Buffer, prefix: string): string {
    const id = `${prefix}${randomUUID().replaceAll('-', '')}`;
    this.files.set(id, bytes);
    return id;
  }

  accept(job: Pick<Job, 'lines' | 'said' | 'inputFile'>, idFrom: (hex: string) => string): Job {
    const id = idFrom(randomUUID().replaceAll('-', ''));
    const accepted = { ...job, id, createdAtMs: Date.now(), isCancelled: false };
    this.jobs.push(accepted);
    return accepted;
  }

  find(id: string): Job | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  /** What the list shows, newest first. */
  get listed(): Job[] {
    return this.listIsForeign ? [stranger] : this.jobs.toReversed();
  }

  /** The questions of all lines that were ever accepted. */
  get accepted(): string[] {
    return this.jobs.flatMap(({ lines }) => lines.map(questionIn));
  }
}

/** A batch of somebody else who has the same account. */
const stranger: Job = {
  id: 'batch_00000000000000000000000000000000',
  lines: [{}],
  createdAtMs: Date.UTC(2026, 0, 1),
  inputFile: 'file-0',
  said: {},
  isCancelled: false,
};

export function linesOf(bytes: Buffer): Record<string, unknown>[] {
  const lines = bytes.toString('utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
}

/** Tests ask `question-...`; whatever a line was translated into, this stays in it. */
export function questionIn(line: unknown): string {
  const [question = ''] = /question-[\w-]+/.exec(JSON.stringify(line)) ?? [];
  return question;
}

/** The file in a form, found as a server finds it: by the boundary. */
export function fileInForm(body: Buffer, contentType: string): Buffer {
  const boundary = /boundary=(\S+)/.exec(contentType)?.[1];
  const parts = body.toString('latin1').split(`--${boundary}`);
  const part = parts.find((one) => /name="file"/.test(one)) ?? '';
  const text = part.slice(part.indexOf('\r\n\r\n') + 4).replace(/\r\n$/, '');
  return Buffer.from(text, 'latin1');
}
