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

const newline = 0x0a;

/**
 * The lines of a shard as the provider gets them, in order, whole lines at a time: what differs between two sendings is
 * the id of each line, and the byte between lines.
 */
abstract class SentLines {
  readonly #lineCount: number;
  readonly #ids: LineIdBytes;
  readonly #separator: Buffer;
  protected readonly edited = new EditedBytes();
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
    this.edited.begin(lines);
    for (let at = 0; at < lines.length; ) at = this.#editLine(lines, at);
    return this.edited.finish(this.#position === this.#lineCount ? lines.length - 1 : lines.length);
  }

  #editLine(lines: Buffer, at: number): number {
    const end = this.replaceIn(lines, at, this.#position, this.#ids.at(this.#position));
    this.#position += 1;
    if (this.#separator[0] !== newline && this.#position < this.#lineCount)
      this.edited.replace(end, end + 1, this.#separator);
    return end + 1;
  }

  /**
   * Replaces what differs in the line that begins at `at`.
   *
   * @param id the line's id in quotes.
   * @returns where the line's newline stands.
   */
  protected abstract replaceIn(lines: Buffer, at: number, position: number, id: Buffer): number;
}

/** Lines that are sent as they are stored, except for the values of custom_id and, where needed, of the model. */
export class PassedLines extends SentLines {
  readonly #index: LineIndex;
  readonly #model: Buffer;

  constructor(index: LineIndex, form: SentForm) {
    super(index.length, form);
    this.#index = index;
    this.#model = Buffer.from(JSON.stringify(form.model));
  }

  protected override replaceIn(lines: Buffer, at: number, position: number, id: Buffer): number {
    const { customId, model } = this.#index.spans(position);
    const isModelFirst = model.start < customId.start;
    if (isModelFirst) this.#replaceModel(lines, at + model.start, at + model.end);
    this.edited.replace(at + customId.start, at + customId.end, id);
    if (!isModelFirst) this.#replaceModel(lines, at + model.start, at + model.end);
    return at + this.#index.byteLength(position);
  }

  #replaceModel(lines: Buffer, start: number, end: number): void {
    if (isAt(lines, start, end, this.#model)) return;
    const isSpeltOtherwise = JSON.stringify(JSON.parse(lines.toString('utf8', start, end))) === this.#model.toString();
    if (!isSpeltOtherwise) this.edited.replace(start, end, this.#model);
  }
}

function isAt(lines: Buffer, start: number, end: number, value: Buffer): boolean {
  if (end - start !== value.length) return false;
  for (let at = 0; at < value.length; at += 1) if (lines[start + at] !== value[at]) return false;
  return true;
}

const placeholder = Buffer.from(`"${placeholderLineId}"`);

/** What stands between an id and the label that repeats it, where a provider's line has one. */
export const labelBehindId = ',"request":{"labels":{"batchdrop_line":';
const behindId = Buffer.from(labelBehindId);

/** Lines that were translated before, with a placeholder where the id of this sending belongs. */
export class TranslatedLines extends SentLines {
  /** The placeholder stands before anything that is the customer's, so the first one is it. */
  protected override replaceIn(lines: Buffer, at: number, position: number, id: Buffer): number {
    const start = lines.indexOf(placeholder, at);
    const end = lines.indexOf(newline, at);
    if (start < 0 || start > end) throw new Error(`Line ${position} has no placeholder for its id.`);
    const behind = start + placeholder.length;
    this.edited.replace(start, behind, id);
    const label = behind + behindId.length;
    if (isAt(lines, behind, label, behindId) && isAt(lines, label, label + placeholder.length, placeholder))
      this.edited.replace(label, label + placeholder.length, id);
    return end;
  }
}
