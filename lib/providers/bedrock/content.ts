import type { FilePart, ImagePart, InputPart, SpokenPart } from '../shared/chat/chat-request.ts';
import { fileDataFrom, inlineDataFrom } from '../shared/chat/data-url.ts';
import { foreignPart, spokenTexts } from '../shared/chat/spoken-texts.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';

/** What a document without a name is called. */
export const unnamedDocument = 'document';

/** Parts of a chat message -> Converse's content blocks. Source: @aws-sdk/client-bedrock-runtime 3.1164 `ContentBlock`. */

export interface ConverseText {
  text: string;
}

interface ConverseImage {
  image: { format: string; source: { bytes: string } };
}

interface ConverseDocument {
  document: { format: string; name: string; source: { bytes: string } };
}

export type ConverseInput = ConverseText | ConverseImage | ConverseDocument;

/** What a body can hold besides text. */
export interface BodyAbilities {
  images: boolean;
  documents: boolean;
  tools: boolean;
}

/** The blocks of a user's message, in their order. */
export function inputBlocks(
  content: string | readonly InputPart[],
  abilities: BodyAbilities,
  notes: TranslationNotes,
): ConverseInput[] {
  if (typeof content === 'string') return textBlocks(content);
  return content.flatMap((part) => inputBlock(part, abilities, notes));
}

/** The texts of a message of any other role. */
export function spokenBlocks(content: string | readonly SpokenPart[] | null): ConverseText[] {
  return spokenTexts(content).flatMap(textBlocks);
}

/** Empty texts are left out, since Bedrock refuses them. */
function textBlocks(text: string): ConverseText[] {
  return text.trim() === '' ? [] : [{ text }];
}

function inputBlock(part: InputPart, abilities: BodyAbilities, notes: TranslationNotes): ConverseInput[] {
  switch (part.type) {
    case 'text':
      return textBlocks(part.text);
    case 'image':
      if (!abilities.images) throw notes.unsupported(part.param, 'write what the image shows');
      return [imageBlock(part, notes)];
    case 'file':
      if (!abilities.documents) throw notes.unsupported(part.param, "send the file's text");
      return [documentBlock(part, notes)];
    case 'audio':
      throw notes.unsupported(part.param, 'send a transcript of the audio');
    case 'own':
      return foreignPart(part, "'text', 'image_url' or 'file'");
  }
}

// Source: @aws-sdk/client-bedrock-runtime 3.1164 `ImageFormat`.
const imageFormats = new Map([
  ['image/jpeg', 'jpeg'],
  ['image/jpg', 'jpeg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);

function imageBlock({ url, param }: ImagePart, notes: TranslationNotes): ConverseImage {
  const inline = inlineDataFrom(url);
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

function documentBlock({ data, name, param }: FilePart, notes: TranslationNotes): ConverseDocument {
  if (data === null)
    throw notes.unsupported(`${param}.file.file_id`, 'a file kept at OpenAI is not readable elsewhere; send file_data');
  const inline = fileDataFrom(data);
  const format = documentFormats.get(inline?.mimeType ?? '');
  if (!inline || !format)
    throw notes.unsupported(`${param}.file.file_data`, 'PDF, text, CSV, HTML, Markdown, Word and Excel are taken');
  return { document: { format, name: documentName(name, notes), source: { bytes: inline.base64 } } };
}

/** A name of letters, digits, single spaces, hyphens, parentheses and brackets. Source: as above, `DocumentBlock.name`. */
function documentName(given: string, notes: TranslationNotes): string {
  if (given === '') return unnamedDocument;
  const name = given
    .replace(/[^a-zA-Z0-9()[\]-]+/g, ' ')
    .trim()
    .slice(0, 200);
  if (name !== given)
    notes.change('body.messages[].content[].file.filename', 'Bedrock takes letters, digits, spaces, - ( ) [ and ]');
  return name || unnamedDocument;
}
