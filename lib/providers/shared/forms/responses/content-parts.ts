import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import { type LineNotes, present } from '../notes.ts';
import { textPart } from '../text-or-parts.ts';

const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url', 'detail', 'file_id']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file_data', 'filename', 'file_id', 'file_url']);
const audioKeys: ReadonlySet<string> = new Set(['type', 'input_audio']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);
const outputTextKeys: ReadonlySet<string> = new Set(['type', 'text', 'annotations', 'logprobs']);
const anywhere = 'input[].content[]';

/** Text, images, files and audio of an item. */
export function inputParts(content: unknown, place: string, notes: LineNotes): JsonObject[] {
  return partsOf(content, place, notes, (part, at) => {
    switch (part.type) {
      case 'input_text':
        notes.dropOthers(part, textKeys, at);
        return textOf(part, at, notes);
      case 'input_image':
        notes.dropOthers(part, imageKeys, at);
        return imagePart(part, at, notes);
      case 'input_file':
        notes.dropOthers(part, fileKeys, at);
        return filePart(part, at, notes);
      case 'input_audio':
        notes.dropOthers(part, audioKeys, at);
        return { type: 'input_audio', input_audio: part.input_audio };
      default:
        throw notes.unsupported(`${at}.type`, 'send text, images, files or audio');
    }
  });
}

/** What the assistant said in an earlier turn; its annotations and logprobs were for the reader. */
export function outputParts(content: unknown, place: string, notes: LineNotes): JsonObject[] {
  return partsOf(content, place, notes, (part, at) => {
    switch (part.type) {
      case 'output_text':
      case 'input_text':
        notes.dropOthers(part, outputTextKeys, at);
        return textOf(part, at, notes);
      case 'refusal':
        notes.dropOthers(part, refusalKeys, at);
        return { type: 'refusal', refusal: part.refusal };
      default:
        throw notes.unsupported(`${at}.type`, 'send text');
    }
  });
}

function partsOf(
  content: unknown,
  place: string,
  notes: LineNotes,
  partFrom: (part: JsonObject, place: string) => JsonObject,
): JsonObject[] {
  if (typeof content === 'string') return [textPart(content)];
  if (!Array.isArray(content)) throw notes.invalid(place, 'a string or an array of parts');
  return content.map((part: unknown, index) => {
    const at = `${place}[${index}]`;
    if (!isObject(part)) throw notes.invalid(at, 'an object');
    return partFrom(part, at);
  });
}

function textOf({ text }: JsonObject, place: string, notes: LineNotes): JsonObject {
  if (typeof text !== 'string') throw notes.invalid(`${place}.text`, 'a string');
  return textPart(text);
}

function imagePart({ image_url, detail }: JsonObject, place: string, notes: LineNotes): JsonObject {
  if (typeof image_url !== 'string')
    throw notes.unsupported(`${place}.file_id`, 'a chat completion takes images by URL or data URL only');
  if (detail === 'original') notes.change(`${anywhere}.detail`, "'high' is the most that a chat completion has");
  return {
    type: 'image_url',
    image_url: present({ url: image_url, detail: detail === 'original' ? 'high' : detail }),
  };
}

function filePart({ file_data, filename, file_id, file_url }: JsonObject, place: string, notes: LineNotes): JsonObject {
  if (!isAbsent(file_url)) throw notes.unsupported(`${place}.file_url`, 'send the file itself, as file_data');
  return { type: 'file', file: present({ file_data, filename, file_id }) };
}
