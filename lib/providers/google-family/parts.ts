import type { AudioPart, FilePart, ImagePart, InputPart } from '../shared/chat/chat-request.ts';
import { fileDataFrom, type InlineData, inlineDataFrom } from '../shared/chat/data-url.ts';
import { foreignPart } from '../shared/chat/spoken-texts.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** Which of Google's two APIs a request is for: they know different files. */
export type Surface = 'gemini' | 'vertex';

/** What a user's message holds. Source: @google/genai 3.1 `Part`. */
export type GoogleInput =
  | { text: string }
  | { inlineData: { mimeType: string; data: string } }
  | { fileData: { mimeType?: string; fileUri: string } };

/** Text, images, documents and audio of a user's message, in their order. Empty texts say nothing. */
export function inputParts(
  content: string | readonly InputPart[],
  surface: Surface,
  notes: TranslationNotes,
): GoogleInput[] {
  if (typeof content === 'string') return textParts(content);
  return content.flatMap((part) => inputPart(part, surface, notes));
}

function textParts(text: string): GoogleInput[] {
  return text === '' ? [] : [{ text }];
}

function inputPart(part: InputPart, surface: Surface, notes: TranslationNotes): GoogleInput[] {
  switch (part.type) {
    case 'text':
      return textParts(part.text);
    case 'image':
      return [imagePart(part, surface, notes)];
    case 'file':
      return [filePart(part, notes)];
    case 'audio':
      return [audioPart(part)];
    case 'own':
      return foreignPart(part, "'text', 'image_url', 'file' or 'input_audio'");
  }
}

function imagePart({ url, param }: ImagePart, surface: Surface, notes: TranslationNotes): GoogleInput {
  return inlinePart(inlineDataFrom(url)) ?? { fileData: fileFrom(url, `${param}.image_url.url`, surface, notes) };
}

/** @returns null where it is none, or does not say what it is. */
function inlinePart(inline: InlineData | null): GoogleInput | null {
  return inline?.mimeType ? { inlineData: { mimeType: inline.mimeType, data: inline.base64 } } : null;
}

/** A file kept by the Gemini API itself. Source: https://ai.google.dev/gemini-api/docs/files */
const geminiFile = /^https:\/\/generativelanguage\.googleapis\.com\/v1(?:beta|alpha)?\/files\/[a-z0-9-]+$/;

/**
 * Both fetch public and signed URLs, in batches too; Vertex reads Cloud Storage as well. Source:
 * https://ai.google.dev/gemini-api/docs/file-input-methods, read 2026-11.
 */
function fileFrom(
  url: string,
  param: string,
  surface: Surface,
  notes: TranslationNotes,
): { mimeType?: string; fileUri: string } {
  if (surface === 'gemini' && geminiFile.test(url)) return { fileUri: url };
  const schemes = surface === 'gemini' ? /^https?:\/\//i : /^(https?|gs):\/\//i;
  if (!schemes.test(url)) throw invalid(param, `an ${schemeNames[surface]} URL, or a base64 data URL`);
  const mimeType = mimeTypeByExtension.get(/\.([a-z0-9]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase() ?? '');
  if (!mimeType)
    throw notes.unsupported(param, 'Google must be told the type: let the URL end with .png, .jpg, .webp or .pdf');
  return { mimeType, fileUri: url };
}

const schemeNames: Record<Surface, string> = { gemini: 'http(s)', vertex: 'http(s) or gs://' };

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

function filePart({ data, param }: FilePart, notes: TranslationNotes): GoogleInput {
  if (data === null)
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const inline = inlinePart(fileDataFrom(data));
  if (!inline) throw invalid(`${param}.file.file_data`, 'a base64 data URL');
  return inline;
}

const mimeTypeOfAudio = new Map<unknown, string>([
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
]);

function audioPart({ base64, format, param }: AudioPart): GoogleInput {
  const mimeType = mimeTypeOfAudio.get(format);
  if (!mimeType) throw invalid(`${param}.input_audio.format`, "'wav' or 'mp3'");
  return { inlineData: { mimeType, data: base64 } };
}
