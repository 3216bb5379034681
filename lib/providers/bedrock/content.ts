import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { placedParts } from '../shared/chat/chat-messages.ts';
import { fileDataFrom, inlineDataFrom } from '../shared/chat/data-url.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** What a document without a name is called. */
export const unnamedDocument = 'document';

/** Parts of a chat message -> Converse's content blocks. Source: @aws-sdk/client-bedrock-runtime 3.1164 `ContentBlock`. */

export interface TextBlock {
  text: string;
}

interface ImageBlock {
  image: { format: string; source: { bytes: string } };
}

interface DocumentBlock {
  document: { format: string; name: string; source: { bytes: string } };
}

export type InputBlock = TextBlock | ImageBlock | DocumentBlock;

/** What a body can hold besides text. */
export interface Abilities {
  images: boolean;
  documents: boolean;
  tools: boolean;
}

const path = 'body.messages[].content[]';
const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url']);
const imageUrlKeys: ReadonlySet<string> = new Set(['url', 'detail']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file']);
const fileMemberKeys: ReadonlySet<string> = new Set(['file_data', 'filename']);

/** The blocks of a user's message, in their order. Empty texts are left out, since Bedrock refuses them. */
export function inputBlocks(
  content: unknown,
  param: string,
  abilities: Abilities,
  notes: TranslationNotes,
): InputBlock[] {
  if (typeof content === 'string') return textBlock(content);
  return placedParts(content, param).flatMap((part) => inputBlock(part.value, part.param, abilities, notes));
}

/** The texts of a message of any other role. */
export function textBlocks(content: unknown, param: string, notes: TranslationNotes): TextBlock[] {
  if (isAbsent(content)) return [];
  if (typeof content === 'string') return textBlock(content);
  return placedParts(content, param).flatMap(({ value: part, param: place }) => {
    if (part.type === 'text') return textPart(part, place, notes);
    if (part.type === 'refusal') return refusalPart(part, place, notes);
    throw invalid(`${place}.type`, "'text'");
  });
}

function textBlock(text: string): TextBlock[] {
  return text.trim() === '' ? [] : [{ text }];
}

function inputBlock(part: JsonObject, param: string, abilities: Abilities, notes: TranslationNotes): InputBlock[] {
  switch (part.type) {
    case 'text':
      return textPart(part, param, notes);
    case 'image_url':
      if (!abilities.images) throw notes.unsupported(param, 'write what the image shows');
      return [imagePart(part, param, notes)];
    case 'file':
      if (!abilities.documents) throw notes.unsupported(param, "send the file's text");
      return [filePart(part, param, notes)];
    case 'input_audio':
      throw notes.unsupported(param, 'send a transcript of the audio');
    default:
      throw invalid(`${param}.type`, "'text', 'image_url' or 'file'");
  }
}

function textPart(part: JsonObject, param: string, notes: TranslationNotes): TextBlock[] {
  if (typeof part.text !== 'string') throw invalid(`${param}.text`, 'a string');
  notes.dropOthers(part, textKeys, path);
  return textBlock(part.text);
}

function refusalPart(part: JsonObject, param: string, notes: TranslationNotes): TextBlock[] {
  if (typeof part.refusal !== 'string') throw invalid(`${param}.refusal`, 'a string');
  notes.dropOthers(part, refusalKeys, path);
  return textBlock(part.refusal);
}

// Source: @aws-sdk/client-bedrock-runtime 3.1164 `ImageFormat`.
const imageFormats = new Map([
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);

function imagePart(part: JsonObject, param: string, notes: TranslationNotes): ImageBlock {
  const image = part.image_url;
  if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
  notes.dropOthers(part, imageKeys, path);
  notes.dropOthers(image, imageUrlKeys, `${path}.image_url`);
  if (!isAbsent(image.detail) && image.detail !== 'auto') notes.drop(`${path}.image_url.detail`);
  const inline = inlineDataFrom(image.url);
  if (!inline) throw notes.unsupported(`${param}.image_url.url`, 'Bedrock takes images as data URLs only');
  const format = imageFormats.get(inline.mimeType);
  if (!format) throw notes.unsupported(`${param}.image_url.url`, 'convert the image to JPEG, PNG, GIF or WebP');
  return { image: { format, source: { bytes: inline.base64 } } };
}

// Source: @aws-sdk/client-bedrock-runtime 3.1164 `DocumentFormat`.
const documentFormats = new Map([
  ['application/pdf', 'pdf'],
  ['text/plain', 'txt'],
  ['text/csv', 'csv'],
  ['text/html', 'html'],
  ['text/markdown', 'md'],
  ['application/msword', 'doc'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
]);

function filePart(part: JsonObject, param: string, notes: TranslationNotes): DocumentBlock {
  const file = part.file;
  if (!isObject(file)) throw invalid(`${param}.file`, 'an object');
  notes.dropOthers(part, fileKeys, path);
  if (typeof file.file_data !== 'string')
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  notes.dropOthers(file, fileMemberKeys, `${path}.file`);
  const inline = fileDataFrom(file.file_data);
  const format = documentFormats.get(inline?.mimeType ?? '');
  if (!inline || !format)
    throw notes.unsupported(`${param}.file.file_data`, 'PDF, text, CSV, HTML, Markdown, Word and Excel are taken');
  return { document: { format, name: documentName(file.filename, notes), source: { bytes: inline.base64 } } };
}

/** A name of letters, digits, single spaces, hyphens, parentheses and brackets. Source: as above, `DocumentBlock.name`. */
function documentName(filename: unknown, notes: TranslationNotes): string {
  if (typeof filename !== 'string') return unnamedDocument;
  const name = filename
    .replace(/[^a-zA-Z0-9()[\]-]+/g, ' ')
    .trim()
    .slice(0, 200);
  if (name !== filename) notes.change(`${path}.file.filename`, 'Bedrock takes letters, digits, spaces, - ( ) [ and ]');
  return name || unnamedDocument;
}
