import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { placedParts } from '../shared/chat/chat-messages.ts';
import { fileDataFrom, inlineDataFrom } from '../shared/chat/data-url.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/**
 * Parts of a chat message -> content blocks. Source: https://platform.claude.com/docs/en/api/messages and @anthropic-ai/sdk
 * 1.11 `ContentBlockParam`.
 */

export interface TextBlock {
  type: 'text';
  text: string;
}

interface ImageBlock {
  type: 'image';
  source: { type: 'base64'; media_type: string; data: string } | { type: 'url'; url: string };
}

interface DocumentBlock {
  type: 'document';
  source: { type: 'base64'; media_type: 'application/pdf'; data: string };
  title?: string;
}

export type InputBlock = TextBlock | ImageBlock | DocumentBlock;

const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url']);
const imageUrlKeys: ReadonlySet<string> = new Set(['url', 'detail']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);

/** Text, images and PDFs of a user's message, in their order. Empty texts, which Anthropic refuses, say nothing. */
export function inputBlocks(content: unknown, param: string, notes: TranslationNotes): InputBlock[] {
  if (typeof content === 'string') return textBlock(content);
  return placedParts(content, param).flatMap((part) => inputBlock(part.value, part.param, notes));
}

/** The texts of a message of any other role. */
export function textBlocks(content: unknown, param: string, notes: TranslationNotes): TextBlock[] {
  if (typeof content === 'string') return textBlock(content);
  return placedParts(content, param).flatMap(({ value: part, param: place }) => {
    if (part.type === 'text') return textPart(part, place, notes);
    if (part.type === 'refusal') return refusalPart(part, place, notes);
    throw invalid(`${place}.type`, "'text'");
  });
}

function textBlock(text: string): TextBlock[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function inputBlock(part: JsonObject, param: string, notes: TranslationNotes): InputBlock[] {
  switch (part.type) {
    case 'text':
      return textPart(part, param, notes);
    case 'image_url':
      return [imagePart(part, param, notes)];
    case 'file':
      return [filePart(part, param, notes)];
    case 'input_audio':
      throw notes.unsupported(param, 'send a transcript of the audio');
    default:
      throw invalid(`${param}.type`, "'text', 'image_url' or 'file'");
  }
}

function textPart(part: JsonObject, param: string, notes: TranslationNotes): TextBlock[] {
  if (typeof part.text !== 'string') throw invalid(`${param}.text`, 'a string');
  notes.dropOthers(part, textKeys, 'body.messages[].content[]');
  return textBlock(part.text);
}

function refusalPart(part: JsonObject, param: string, notes: TranslationNotes): TextBlock[] {
  if (typeof part.refusal !== 'string') throw invalid(`${param}.refusal`, 'a string');
  notes.dropOthers(part, refusalKeys, 'body.messages[].content[]');
  return textBlock(part.refusal);
}

const mediaTypes = new Map([
  ['image/jpeg', 'image/jpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/png', 'image/png'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
]);

function imagePart(part: JsonObject, param: string, notes: TranslationNotes): ImageBlock {
  const image = part.image_url;
  if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
  notes.dropOthers(part, imageKeys, 'body.messages[].content[]');
  notes.dropOthers(image, imageUrlKeys, 'body.messages[].content[].image_url');
  if (!isAbsent(image.detail) && image.detail !== 'auto') notes.drop('body.messages[].content[].image_url.detail');
  return { type: 'image', source: imageSource(image.url, `${param}.image_url.url`, notes) };
}

function imageSource(url: string, param: string, notes: TranslationNotes): ImageBlock['source'] {
  if (/^https?:\/\//i.test(url)) return { type: 'url', url };
  const inline = inlineDataFrom(url);
  if (!inline) throw invalid(param, 'an http(s) URL or a base64 data URL');
  const mediaType = mediaTypes.get(inline.mimeType);
  if (!mediaType) throw notes.unsupported(param, 'convert the image to JPEG, PNG, GIF or WebP');
  return { type: 'base64', media_type: mediaType, data: inline.base64 };
}

function filePart(part: JsonObject, param: string, notes: TranslationNotes): DocumentBlock {
  const file = part.file;
  if (!isObject(file)) throw invalid(`${param}.file`, 'an object');
  notes.dropOthers(part, fileKeys, 'body.messages[].content[]');
  if (typeof file.file_data !== 'string')
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const inline = fileDataFrom(file.file_data);
  if (inline?.mimeType !== 'application/pdf')
    throw notes.unsupported(`${param}.file.file_data`, 'only PDFs are taken; send other text as text');
  const title = typeof file.filename === 'string' && file.filename !== '' ? { title: file.filename } : {};
  return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: inline.base64 }, ...title };
}
