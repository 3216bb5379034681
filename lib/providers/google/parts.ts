import { isObject, type JsonObject } from '../../core/request-line.ts';
import { isAbsent } from '../anthropic/dropped-parameters.ts';
import { invalid } from '../anthropic/untranslatable-error.ts';
import { leaveOut, leaveOutOthers, unsupported, type Warnings } from './untranslatable.ts';

/** Which of Google's two APIs a request is for: they know different files. */
export type Surface = 'gemini' | 'vertex';

/** What a user's message holds. Source: @google/genai 3.1 `Part`. */
export type InputPart =
  | { text: string }
  | { inlineData: { mimeType: string; data: string } }
  | { fileData: { mimeType?: string; fileUri: string } };

const path = 'body.messages[].content[]';

/** Text, images, documents and audio of a user's message, in their order. Empty texts say nothing. */
export function inputParts(content: unknown, param: string, surface: Surface, warnings: Warnings): InputPart[] {
  if (typeof content === 'string') return textPart(content);
  return partsOf(content, param).flatMap((part, index) => inputPart(part, `${param}[${index}]`, surface, warnings));
}

/** The texts of a message of any other role. */
export function textsOf(content: unknown, param: string, warnings: Warnings): string[] {
  if (isAbsent(content) || content === '') return [];
  if (typeof content === 'string') return [content];
  return partsOf(content, param).flatMap((part, index) => {
    const text = part.type === 'refusal' ? part.refusal : part.text;
    if (part.type !== 'text' && part.type !== 'refusal') throw invalid(`${param}[${index}].type`, "'text'");
    if (typeof text !== 'string') throw invalid(`${param}[${index}].${part.type}`, 'a string');
    leaveOutOthers(part, ['type', part.type], path, warnings);
    return text === '' ? [] : [text];
  });
}

function textPart(text: string): InputPart[] {
  return text === '' ? [] : [{ text }];
}

function partsOf(content: unknown, param: string): JsonObject[] {
  if (!Array.isArray(content)) throw invalid(param, 'a string or an array of content parts');
  return content.map((part: unknown, index) => {
    if (!isObject(part)) throw invalid(`${param}[${index}]`, 'an object');
    return part;
  });
}

function inputPart(part: JsonObject, param: string, surface: Surface, warnings: Warnings): InputPart[] {
  switch (part.type) {
    case 'text':
      return textsOf([part], param.replace(/\[\d+\]$/, ''), warnings).flatMap(textPart);
    case 'image_url':
      return [imagePart(part, param, surface, warnings)];
    case 'file':
      return [filePart(part, param, warnings)];
    case 'input_audio':
      return [audioPart(part, param, warnings)];
    default:
      throw invalid(`${param}.type`, "'text', 'image_url', 'file' or 'input_audio'");
  }
}

function imagePart(part: JsonObject, param: string, surface: Surface, warnings: Warnings): InputPart {
  const image = part.image_url;
  if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
  leaveOutOthers(part, ['type', 'image_url'], path, warnings);
  leaveOutOthers(image, ['url', 'detail'], `${path}.image_url`, warnings);
  if (!isAbsent(image.detail) && image.detail !== 'auto') leaveOut(`${path}.image_url.detail`, warnings);
  return inlineFrom(image.url) ?? { fileData: fileFrom(image.url, `${param}.image_url.url`, surface) };
}

// Longest start of a data URL that is looked at; the data behind it can be megabytes.
const maxDataUrlHead = 200;
const dataUrlHead = /^data:([^;,]+)[^,]*;base64,/i;

function inlineFrom(url: string): InputPart | null {
  const head = dataUrlHead.exec(url.slice(0, maxDataUrlHead));
  if (!head) return null;
  return { inlineData: { mimeType: String(head[1]).toLowerCase(), data: url.slice(head[0].length) } };
}

/** A file kept by the Gemini API itself. Source: https://ai.google.dev/gemini-api/docs/files */
const geminiFile = /^https:\/\/generativelanguage\.googleapis\.com\/v1(?:beta|alpha)?\/files\/[a-z0-9-]+$/;

/** Vertex fetches public URLs and reads Cloud Storage; the Gemini API takes only what was uploaded to it. */
function fileFrom(url: string, param: string, surface: Surface): { mimeType?: string; fileUri: string } {
  if (surface === 'gemini') {
    if (geminiFile.test(url)) return { fileUri: url };
    throw unsupported(param, 'the Gemini API reads data URLs and its own files; send the image as a data URL');
  }
  if (!/^(https?|gs):\/\//i.test(url)) throw invalid(param, 'an http(s) or gs:// URL, or a base64 data URL');
  const mimeType = mimeTypeByExtension.get(/\.([a-z0-9]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase() ?? '');
  if (!mimeType)
    throw unsupported(param, 'Vertex must be told the type: let the URL end with .png, .jpg, .webp or .pdf');
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

// What every PDF (`%PDF-`) begins with in base64.
const pdfStart = 'JVBERi0';

function filePart(part: JsonObject, param: string, warnings: Warnings): InputPart {
  const file = part.file;
  if (!isObject(file)) throw invalid(`${param}.file`, 'an object');
  leaveOutOthers(part, ['type', 'file'], path, warnings);
  leaveOutOthers(file, ['file_data', 'filename'], `${path}.file`, warnings);
  const data = file.file_data;
  if (typeof data !== 'string')
    throw unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const inline = inlineFrom(data);
  if (inline) return inline;
  if (data.startsWith(pdfStart)) return { inlineData: { mimeType: 'application/pdf', data } };
  throw invalid(`${param}.file.file_data`, 'a base64 data URL');
}

const mimeTypeOfAudio = new Map<unknown, string>([
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
]);

function audioPart(part: JsonObject, param: string, warnings: Warnings): InputPart {
  const audio = part.input_audio;
  if (!isObject(audio) || typeof audio.data !== 'string') throw invalid(`${param}.input_audio.data`, 'base64');
  const mimeType = mimeTypeOfAudio.get(audio.format);
  if (!mimeType) throw invalid(`${param}.input_audio.format`, "'wav' or 'mp3'");
  leaveOutOthers(part, ['type', 'input_audio'], path, warnings);
  return { inlineData: { mimeType, data: audio.data } };
}
