import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Placed, placedParts } from '../shared/chat/chat-messages.ts';
import { fileDataFrom, type InlineData, inlineDataFrom } from '../shared/chat/data-url.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Which of Google's two APIs a request is for: they know different files. */
export type Surface = 'gemini' | 'vertex';

/** What a user's message holds. Source: @google/genai 3.1 `Part`. */
export type InputPart =
  | { text: string }
  | { inlineData: { mimeType: string; data: string } }
  | { fileData: { mimeType?: string; fileUri: string } };

const path = 'body.messages[].content[]';
const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url']);
const imageUrlKeys: ReadonlySet<string> = new Set(['url', 'detail']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file']);
const fileDataKeys: ReadonlySet<string> = new Set(['file_data', 'filename']);
const audioKeys: ReadonlySet<string> = new Set(['type', 'input_audio']);

/** Text, images, documents and audio of a user's message, in their order. Empty texts say nothing. */
export function inputParts(content: unknown, param: string, surface: Surface, notes: TranslationNotes): InputPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }];
  return placedParts(content, param).flatMap((part) => inputPart(part, surface, notes));
}

/** The texts of a message of any other role. */
export function textsOf(content: unknown, param: string, notes: TranslationNotes): string[] {
  if (isAbsent(content) || content === '') return [];
  if (typeof content === 'string') return [content];
  return placedParts(content, param).flatMap((part) => textOf(part, notes));
}

function textOf({ value: part, param }: Placed, notes: TranslationNotes): string[] {
  if (part.type !== 'text' && part.type !== 'refusal') throw invalid(`${param}.type`, "'text'");
  const text = part[part.type];
  if (typeof text !== 'string') throw invalid(`${param}.${part.type}`, 'a string');
  notes.dropOthers(part, part.type === 'text' ? textKeys : refusalKeys, path);
  return text === '' ? [] : [text];
}

function inputPart(placed: Placed, surface: Surface, notes: TranslationNotes): InputPart[] {
  const { value: part, param } = placed;
  switch (part.type) {
    case 'text':
      return textOf(placed, notes).map((text) => ({ text }));
    case 'image_url':
      return [imagePart(part, param, surface, notes)];
    case 'file':
      return [filePart(part, param, notes)];
    case 'input_audio':
      return [audioPart(part, param, notes)];
    default:
      throw invalid(`${param}.type`, "'text', 'image_url', 'file' or 'input_audio'");
  }
}

function imagePart(part: JsonObject, param: string, surface: Surface, notes: TranslationNotes): InputPart {
  const image = part.image_url;
  if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
  notes.dropOthers(part, imageKeys, path);
  notes.dropOthers(image, imageUrlKeys, `${path}.image_url`);
  if (!isAbsent(image.detail) && image.detail !== 'auto') notes.drop(`${path}.image_url.detail`);
  return (
    inlinePart(inlineDataFrom(image.url)) ?? { fileData: fileFrom(image.url, `${param}.image_url.url`, surface, notes) }
  );
}

/** @returns null where it is none, or does not say what it is. */
function inlinePart(inline: InlineData | null): InputPart | null {
  return inline?.mimeType ? { inlineData: { mimeType: inline.mimeType, data: inline.base64 } } : null;
}

/** A file kept by the Gemini API itself. Source: https://ai.google.dev/gemini-api/docs/files */
const geminiFile = /^https:\/\/generativelanguage\.googleapis\.com\/v1(?:beta|alpha)?\/files\/[a-z0-9-]+$/;

/** Vertex fetches public URLs and reads Cloud Storage; the Gemini API takes only what was uploaded to it. */
function fileFrom(
  url: string,
  param: string,
  surface: Surface,
  notes: TranslationNotes,
): { mimeType?: string; fileUri: string } {
  if (surface === 'gemini') {
    if (geminiFile.test(url)) return { fileUri: url };
    throw notes.unsupported(param, 'the Gemini API reads data URLs and its own files; send the image as a data URL');
  }
  if (!/^(https?|gs):\/\//i.test(url)) throw invalid(param, 'an http(s) or gs:// URL, or a base64 data URL');
  const mimeType = mimeTypeByExtension.get(/\.([a-z0-9]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase() ?? '');
  if (!mimeType)
    throw notes.unsupported(param, 'Vertex must be told the type: let the URL end with .png, .jpg, .webp or .pdf');
  return { mimeType, fileUri: url };
}

const mimeTypeByExtension = new Map([
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['pdf', 'application/pdf'],
]);

function filePart(part: JsonObject, param: string, notes: TranslationNotes): InputPart {
  const file = part.file;
  if (!isObject(file)) throw invalid(`${param}.file`, 'an object');
  notes.dropOthers(part, fileKeys, path);
  notes.dropOthers(file, fileDataKeys, `${path}.file`);
  const data = file.file_data;
  if (typeof data !== 'string')
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const inline = inlinePart(fileDataFrom(data));
  if (!inline) throw invalid(`${param}.file.file_data`, 'a base64 data URL');
  return inline;
}

const mimeTypeOfAudio = new Map<unknown, string>([
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
]);

function audioPart(part: JsonObject, param: string, notes: TranslationNotes): InputPart {
  const audio = part.input_audio;
  if (!isObject(audio) || typeof audio.data !== 'string') throw invalid(`${param}.input_audio.data`, 'base64');
  const mimeType = mimeTypeOfAudio.get(audio.format);
  if (!mimeType) throw invalid(`${param}.input_audio.format`, "'wav' or 'mp3'");
  notes.dropOthers(part, audioKeys, path);
  return { inlineData: { mimeType, data: audio.data } };
}
