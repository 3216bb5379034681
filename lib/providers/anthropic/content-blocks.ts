import { isObject, type JsonObject } from '../../core/request-line.ts';
import type { Warning } from '../provider.ts';
import { drop, isAbsent, warnOfOthers } from './dropped-parameters.ts';
import { invalid, unsupported } from './untranslatable-error.ts';

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

type Warnings = Map<string, Warning>;

const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url']);
const imageUrlKeys: ReadonlySet<string> = new Set(['url', 'detail']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);

/** Text, images and PDFs of a user's message, in their order. Empty texts, which Anthropic refuses, say nothing. */
export function inputBlocks(content: unknown, param: string, warnings: Warnings): InputBlock[] {
  if (typeof content === 'string') return textBlock(content);
  return partsOf(content, param).flatMap((part, index) => inputBlock(part, `${param}[${index}]`, warnings));
}

/** The texts of a message of any other role. */
export function textBlocks(content: unknown, param: string, warnings: Warnings): TextBlock[] {
  if (typeof content === 'string') return textBlock(content);
  return partsOf(content, param).flatMap((part, index) => {
    const place = `${param}[${index}]`;
    if (part.type === 'text') return textPart(part, place, warnings);
    if (part.type === 'refusal') return refusalPart(part, place, warnings);
    throw invalid(`${place}.type`, "'text'");
  });
}

function textBlock(text: string): TextBlock[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function partsOf(content: unknown, param: string): JsonObject[] {
  if (!Array.isArray(content)) throw invalid(param, 'a string or an array of content parts');
  return content.map((part: unknown, index) => {
    if (!isObject(part)) throw invalid(`${param}[${index}]`, 'an object');
    return part;
  });
}

function inputBlock(part: JsonObject, param: string, warnings: Warnings): InputBlock[] {
  switch (part.type) {
    case 'text':
      return textPart(part, param, warnings);
    case 'image_url':
      return [imagePart(part, param, warnings)];
    case 'file':
      return [filePart(part, param, warnings)];
    case 'input_audio':
      throw unsupported(param, 'send a transcript of the audio');
    default:
      throw invalid(`${param}.type`, "'text', 'image_url' or 'file'");
  }
}

function textPart(part: JsonObject, param: string, warnings: Warnings): TextBlock[] {
  if (typeof part.text !== 'string') throw invalid(`${param}.text`, 'a string');
  warnOfOthers(part, textKeys, 'body.messages[].content[]', warnings);
  return textBlock(part.text);
}

function refusalPart(part: JsonObject, param: string, warnings: Warnings): TextBlock[] {
  if (typeof part.refusal !== 'string') throw invalid(`${param}.refusal`, 'a string');
  warnOfOthers(part, refusalKeys, 'body.messages[].content[]', warnings);
  return textBlock(part.refusal);
}

// Longest start of a data URL that is looked at; the data behind it can be megabytes.
const maxDataUrlHead = 200;
const dataUrlHead = /^data:([^;,]*)[^,]*;base64,/i;

const mediaTypes = new Map([
  ['image/jpeg', 'image/jpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/png', 'image/png'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
]);

function imagePart(part: JsonObject, param: string, warnings: Warnings): ImageBlock {
  const image = part.image_url;
  if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
  warnOfOthers(part, imageKeys, 'body.messages[].content[]', warnings);
  warnOfOthers(image, imageUrlKeys, 'body.messages[].content[].image_url', warnings);
  if (!isAbsent(image.detail) && image.detail !== 'auto') drop('body.messages[].content[].image_url.detail', warnings);
  return { type: 'image', source: imageSource(image.url, `${param}.image_url.url`) };
}

function imageSource(url: string, param: string): ImageBlock['source'] {
  if (/^https?:\/\//i.test(url)) return { type: 'url', url };
  const head = dataUrlHead.exec(url.slice(0, maxDataUrlHead));
  if (!head) throw invalid(param, 'an http(s) URL or a base64 data URL');
  const mediaType = mediaTypes.get(String(head[1]).toLowerCase());
  if (!mediaType) throw unsupported(param, 'convert the image to JPEG, PNG, GIF or WebP');
  return { type: 'base64', media_type: mediaType, data: url.slice(head[0].length) };
}

// What every PDF (`%PDF-`) begins with in base64.
const pdfStart = 'JVBERi0';

function filePart(part: JsonObject, param: string, warnings: Warnings): DocumentBlock {
  const file = part.file;
  if (!isObject(file)) throw invalid(`${param}.file`, 'an object');
  warnOfOthers(part, fileKeys, 'body.messages[].content[]', warnings);
  if (typeof file.file_data !== 'string')
    throw unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const data = pdfData(file.file_data);
  if (data === null) throw unsupported(`${param}.file.file_data`, 'only PDFs are taken; send other text as text');
  const title = typeof file.filename === 'string' && file.filename !== '' ? { title: file.filename } : {};
  return { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data }, ...title };
}

function pdfData(fileData: string): string | null {
  const head = dataUrlHead.exec(fileData.slice(0, maxDataUrlHead));
  if (head) return String(head[1]).toLowerCase() === 'application/pdf' ? fileData.slice(head[0].length) : null;
  return fileData.startsWith(pdfStart) ? fileData : null;
}
