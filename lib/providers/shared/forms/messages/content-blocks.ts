import { isObject, type JsonObject } from '../../../../records/json.ts';
import { parseText } from '../../chat/parse-values.ts';
import type { LineNotes } from '../notes.ts';
import { textPart } from '../text-or-parts.ts';

const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'source']);
const sourceKeys: ReadonlySet<string> = new Set(['type', 'media_type', 'data', 'url', 'file_id', 'content']);
const documentKeys: ReadonlySet<string> = new Set(['type', 'source', 'title']);

/** Content blocks, each with its place. */
export function blocksOf(content: unknown, place: string, notes: LineNotes): [JsonObject, string][] {
  if (!Array.isArray(content)) throw notes.invalid(place, 'a string or an array of content blocks');
  return content.map((block: unknown, index) => {
    if (!isObject(block)) throw notes.invalid(`${place}[${index}]`, 'an object');
    return [block, `${place}[${index}]`];
  });
}

/** The texts of a role that has nothing else. */
export function textParts(content: unknown, place: string, notes: LineNotes): JsonObject[] {
  if (typeof content === 'string') return content === '' ? [] : [textPart(content)];
  return blocksOf(content, place, notes).flatMap(([block, at]) => textOnly(block, at, notes));
}

export function textOnly(block: JsonObject, place: string, notes: LineNotes): JsonObject[] {
  if (block.type !== 'text') throw notes.unsupported(`${place}.type`, 'only text can stand here');
  return fromText(block, place, notes);
}

/** What a user may say: text, images, documents. */
export function inputParts(block: JsonObject, place: string, notes: LineNotes): JsonObject[] {
  switch (block.type) {
    case 'text':
      return fromText(block, place, notes);
    case 'image':
      notes.dropOthers(block, imageKeys, place);
      return [{ type: 'image_url', image_url: { url: imageUrl(block.source, `${place}.source`, notes) } }];
    case 'document':
      notes.dropOthers(block, documentKeys, place);
      return fromDocument(block, place, notes);
    default:
      throw notes.unsupported(`${place}.type`, 'send text, an image or a document');
  }
}

/** Empty texts, which some providers refuse, say nothing. */
function fromText(block: JsonObject, place: string, notes: LineNotes): JsonObject[] {
  if (typeof block.text !== 'string') throw notes.invalid(`${place}.text`, 'a string');
  notes.dropOthers(block, textKeys, place);
  return block.text === '' ? [] : [textPart(block.text)];
}

function imageUrl(source: unknown, place: string, notes: LineNotes): string {
  if (!isObject(source)) throw notes.invalid(place, 'an object');
  notes.dropOthers(source, sourceKeys, place);
  const { type, media_type, data, url } = source;
  if (type === 'url' && typeof url === 'string') return url;
  if (type === 'base64' && typeof media_type === 'string' && typeof data === 'string')
    return `data:${media_type};base64,${data}`;
  if (type === 'file')
    throw notes.unsupported(`${place}.file_id`, 'a file kept at Anthropic is not readable elsewhere');
  throw notes.invalid(place, "a 'base64' or 'url' source");
}

function fromDocument({ source, title }: JsonObject, place: string, notes: LineNotes): JsonObject[] {
  if (!isObject(source)) throw notes.invalid(`${place}.source`, 'an object');
  notes.dropOthers(source, sourceKeys, `${place}.source`);
  const { type, media_type, data, content } = source;
  const textTitle = parseText(title, notes.param(`${place}.title`)) ?? '';
  switch (type) {
    case 'base64':
      if (typeof data !== 'string' || typeof media_type !== 'string')
        throw notes.invalid(`${place}.source`, 'its data');
      return [filePart(`data:${media_type};base64,${data}`, textTitle)];
    case 'text':
      if (typeof data !== 'string') throw notes.invalid(`${place}.source.data`, 'a string');
      return addTitle(textTitle, [textPart(data)]);
    case 'content':
      return addTitle(textTitle, contentParts(content, `${place}.source.content`, notes));
    case 'url':
    case 'file':
      throw notes.unsupported(`${place}.source`, 'send the document itself, in base64');
    default:
      throw notes.invalid(`${place}.source.type`, "'base64', 'text' or 'content'");
  }
}

/** OpenAI wants a name for a file that comes with the request. */
function filePart(fileData: string, title: string): JsonObject {
  return { type: 'file', file: { filename: title || 'document.pdf', file_data: fileData } };
}

function addTitle(title: string, parts: JsonObject[]): JsonObject[] {
  return title === '' ? parts : [textPart(title), ...parts];
}

function contentParts(content: unknown, place: string, notes: LineNotes): JsonObject[] {
  if (typeof content === 'string') return [textPart(content)];
  return blocksOf(content, place, notes).flatMap(([block, at]) => inputParts(block, at, notes));
}
