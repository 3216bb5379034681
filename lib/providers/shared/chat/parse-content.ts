import { isObject, type JsonObject } from '../../../records/json.ts';
import type { ChatBody } from './chat-body.ts';
import type {
  AudioPart,
  ChatAbilities,
  FilePart,
  ImagePart,
  InputPart,
  OwnPart,
  SpokenPart,
  TextPart,
} from './chat-request.ts';
import { parseText } from './parse-values.ts';
import { objectsOf } from './placed-objects.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

const path = 'body.messages[].content[]';
const textKeys: ReadonlySet<string> = new Set(['type', 'text']);
const refusalKeys: ReadonlySet<string> = new Set(['type', 'refusal']);
const imageKeys: ReadonlySet<string> = new Set(['type', 'image_url']);
const imageUrlKeys: ReadonlySet<string> = new Set(['url', 'detail']);
const audioKeys: ReadonlySet<string> = new Set(['type', 'input_audio']);
const audioDataKeys: ReadonlySet<string> = new Set(['data', 'format']);
const fileKeys: ReadonlySet<string> = new Set(['type', 'file']);
const fileDataKeys: ReadonlySet<string> = new Set(['file_data', 'filename']);
const fileIdKeys: ReadonlySet<string> = new Set(['file_id']);

/** Reads what messages hold. */
export class ContentParser {
  readonly #source: ChatBody;
  readonly #abilities: ChatAbilities;
  readonly #notes: TranslationNotes;

  constructor(source: ChatBody, abilities: ChatAbilities, notes: TranslationNotes) {
    this.#source = source;
    this.#abilities = abilities;
    this.#notes = notes;
  }

  /** @param index of the message. */
  input(content: unknown, param: string, index: number): string | readonly InputPart[] {
    return this.#read(content, param, index, (part, place) => this.#inputPart(part, place));
  }

  spoken(content: unknown, param: string, index: number): string | readonly SpokenPart[] {
    return this.#read(content, param, index, (part, place) => this.#spokenPart(part, place));
  }

  #read<Part>(
    content: unknown,
    param: string,
    index: number,
    read: (part: JsonObject, param: string) => Part,
  ): string | (Part | OwnPart)[] {
    if (typeof content === 'string') return content;
    return objectsOf<Part | OwnPart>(content, param, 'a string or an array of content parts', (part, place, at) =>
      this.#abilities.isOwnPart?.(part) ? this.#ownPart(part, place, [index, at]) : read(part, place),
    );
  }

  #ownPart(part: JsonObject, param: string, [message, at]: [number, number]): OwnPart {
    const exact = this.#source.exact('messages', message, 'content', at);
    return { type: 'own', param, value: isObject(exact) ? exact : part };
  }

  #spokenPart(part: JsonObject, param: string): TextPart {
    if (part.type === 'text') return this.#text(part, param);
    if (part.type === 'refusal') return this.#refusal(part, param);
    throw invalid(`${param}.type`, "'text'");
  }

  #inputPart(part: JsonObject, param: string): InputPart {
    switch (part.type) {
      case 'text':
        return this.#text(part, param);
      case 'image_url':
        return this.#image(part, param);
      case 'input_audio':
        return this.#audio(part, param);
      case 'file':
        return this.#file(part, param);
      default:
        throw invalid(`${param}.type`, "'text', 'image_url', 'file' or 'input_audio'");
    }
  }

  #text(part: JsonObject, param: string): TextPart {
    if (typeof part.text !== 'string') throw invalid(`${param}.text`, 'a string');
    this.#notes.dropOthers(part, textKeys, path);
    return { type: 'text', param, text: part.text };
  }

  #refusal(part: JsonObject, param: string): TextPart {
    if (typeof part.refusal !== 'string') throw invalid(`${param}.refusal`, 'a string');
    this.#notes.dropOthers(part, refusalKeys, path);
    return { type: 'text', param, text: part.refusal };
  }

  #image(part: JsonObject, param: string): ImagePart {
    const image = part.image_url;
    if (!isObject(image) || typeof image.url !== 'string') throw invalid(`${param}.image_url.url`, 'a URL');
    this.#notes.dropOthers(part, imageKeys, path);
    this.#notes.dropOthers(image, imageUrlKeys, `${path}.image_url`);
    return {
      type: 'image',
      param,
      url: image.url,
      detail: this.#detail(parseText(image.detail, `${param}.image_url.detail`)),
    };
  }

  #detail(detail: string | null): string | null {
    if (detail === null || this.#abilities.imageDetails?.has(detail)) return detail;
    if (detail !== 'auto') this.#notes.drop(`${path}.image_url.detail`);
    return null;
  }

  #audio(part: JsonObject, param: string): AudioPart {
    const audio = part.input_audio;
    if (!isObject(audio) || typeof audio.data !== 'string') throw invalid(`${param}.input_audio.data`, 'base64');
    this.#notes.dropOthers(part, audioKeys, path);
    this.#notes.dropOthers(audio, audioDataKeys, `${path}.input_audio`);
    return { type: 'audio', param, base64: audio.data, format: audio.format };
  }

  #file(part: JsonObject, param: string): FilePart {
    const { file } = part;
    if (!isObject(file)) throw invalid(`${param}.file`, 'an object');
    this.#notes.dropOthers(part, fileKeys, path);
    const data = parseText(file.file_data, `${param}.file.file_data`);
    this.#notes.dropOthers(file, data === null ? fileIdKeys : fileDataKeys, `${path}.file`);
    return {
      type: 'file',
      param,
      data,
      id: parseText(file.file_id, `${param}.file.file_id`),
      name: parseText(file.filename, `${param}.file.filename`) ?? '',
    };
  }
}
