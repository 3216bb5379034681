import { LineIdBytes, placeholderLineId } from '../records/ids.ts';
import { EditedBytes } from './edited-bytes.ts';
import type { LineEntry, LineIndex } from './line-index.ts';

/** `"` before and after. */
const quotes = 2;
const idBytes = placeholderLineId.length + quotes;

/**
 * Says how long a line will be that is sent in its own bytes, except for the values of custom_id and, where the provider
 * calls it otherwise, of the model.
 *
 * @param model the provider's name of it.
 * @param written the name in the line.
 */
export function passedBytes(bytes: number, spans: LineEntry['spans'], model: string, written: string): number {
  const withId = bytes - (spans.customId.end - spans.customId.start) + idBytes;
  if (model === written) return withId;
  return withId - (spans.model.end - spans.model.start) + Buffer.byteLength(JSON.stringify(model));
}

/** How the lines of one sending are written. */
export interface SentForm {
  /** What all line ids begin with. */
  prefix: string;
  /** The provider's name of the model. */
  model: string;
  /** One byte, between two lines. */
  separator: ',' | '\n';
}

const newline = Buffer.from('\n');

/** Makes of the stored lines of a shard what the provider gets, in order, whole lines at a time. */
export class PassedLines {
  readonly #index: LineIndex;
  readonly #ids: LineIdBytes;
  readonly #model: Buffer;
  readonly #separator: Buffer;
  readonly #edited = new EditedBytes();
  #position = 0;

  constructor(index: LineIndex, form: SentForm) {
    this.#index = index;
    this.#ids = new LineIdBytes(form.prefix);
    this.#model = Buffer.from(JSON.stringify(form.model));
    this.#separator = Buffer.from(form.separator);
  }

  /** Lines so far. */
  get count(): number {
    return this.#position;
  }

  /**
   * @param lines whole lines with their newlines; the last one of the shard loses its own.
   * @returns bytes that are good until the next call.
   */
  edit(lines: Buffer): Buffer {
    this.#edited.begin(lines);
    for (let at = 0; at < lines.length; ) at = this.#editLine(lines, at);
    return this.#edited.finish(this.#position === this.#index.length ? lines.length - 1 : lines.length);
  }

  #editLine(lines: Buffer, at: number): number {
    const { customId, model } = this.#index.spans(this.#position);
    const end = at + this.#index.byteLength(this.#position);
    const isModelFirst = model.start < customId.start;
    if (isModelFirst) this.#editModel(lines, at + model.start, at + model.end);
    this.#edited.replace(at + customId.start, at + customId.end, this.#ids.at(this.#position));
    if (!isModelFirst) this.#editModel(lines, at + model.start, at + model.end);
    this.#position += 1;
    if (this.#separator[0] !== newline[0] && this.#position < this.#index.length)
      this.#edited.replace(end, end + 1, this.#separator);
    return end + 1;
  }

  #editModel(lines: Buffer, start: number, end: number): void {
    if (isAt(lines, start, end, this.#model)) return;
    const isSpeltOtherwise = JSON.stringify(JSON.parse(lines.toString('utf8', start, end))) === this.#model.toString();
    if (!isSpeltOtherwise) this.#edited.replace(start, end, this.#model);
  }
}

function isAt(lines: Buffer, start: number, end: number, value: Buffer): boolean {
  if (end - start !== value.length) return false;
  for (let at = 0; at < value.length; at += 1) if (lines[start + at] !== value[at]) return false;
  return true;
}

const placeholder = Buffer.from(`"${placeholderLineId}"`);

/** Puts the ids of one sending into lines that were translated before. */
export class TranslatedLines {
  readonly #lineCount: number;
  readonly #ids: LineIdBytes;
  readonly #separator: Buffer;
  readonly #edited = new EditedBytes();
  #position = 0;

  constructor(lineCount: number, form: SentForm) {
    this.#lineCount = lineCount;
    this.#ids = new LineIdBytes(form.prefix);
    this.#separator = Buffer.from(form.separator);
  }

  /** Lines so far. */
  get count(): number {
    return this.#position;
  }

  /**
   * @param lines whole lines with their newlines; the last one of the shard loses its own.
   * @returns bytes that are good until the next call.
   */
  edit(lines: Buffer): Buffer {
    this.#edited.begin(lines);
    for (let at = 0; at < lines.length; ) at = this.#editLine(lines, at);
    return this.#edited.finish(this.#position === this.#lineCount ? lines.length - 1 : lines.length);
  }

  /** The placeholder stands before anything that is the customer's, so the first one is it. */
  #editLine(lines: Buffer, at: number): number {
    const start = lines.indexOf(placeholder, at);
    const end = lines.indexOf(newline, at);
    if (start < 0 || start > end) throw new Error(`Line ${this.#position} has no place for its id.`);
    this.#edited.replace(start, start + placeholder.length, this.#ids.at(this.#position));
    this.#position += 1;
    if (this.#separator[0] !== newline[0] && this.#position < this.#lineCount)
      this.#edited.replace(end, end + 1, this.#separator);
    return end + 1;
  }
}
