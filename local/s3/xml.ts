import { XMLParser } from 'fast-xml-parser';
import type { z } from 'zod';
import { S3Error } from './errors.ts';

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Elements that may stand more than once, and are lists even if they stand once. */
const listElements = ['Part', 'Object'];

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  // 10,000 parts with two quotes each are an ordinary document here; its size is limited before it is parsed.
  processEntities: { enabled: true, maxTotalExpansions: 1_000_000, maxExpandedLength: 100_000_000 },
  isArray: (name) => listElements.includes(name),
});

/** An element that holds other elements, given as XML. */
export function element(name: string, ...children: string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** An element that holds text; nothing at all for undefined. */
export function textElement(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escapeText(String(value))}</${name}>`;
}

export function xmlDocument(rootName: string, ...children: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${rootName} xmlns="${namespace}">${children.join('')}</${rootName}>`;
}

/** An error is the one document without the namespace. */
export function errorDocument(error: S3Error, resource: string, requestId: string): string {
  const children = [
    textElement('Code', error.code),
    textElement('Message', error.message),
    textElement('Resource', resource),
    textElement('RequestId', requestId),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', ...children)}`;
}

/**
 * Parses a request's document; all values are strings.
 *
 * @throws S3Error MalformedXML if it does not fit the schema.
 */
export function parseXml<Schema extends z.ZodType>(text: string, schema: Schema): z.infer<Schema> {
  try {
    return schema.parse(parser.parse(text, true));
  } catch (cause) {
    throw new S3Error(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
      { cause },
    );
  }
}

/** Control characters become references, as in S3, though XML 1.0 forbids most of them. */
function escapeText(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (character) => `&#${character.charCodeAt(0)};`);
}
