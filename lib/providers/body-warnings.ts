import { bodyProblems } from '../lines/body-problems.ts';
import type { RequestLine } from '../lines/request-line.ts';
import type { Warning } from './contract.ts';

/**
 * What the provider would most likely refuse in a request that goes to it as it is. A request that is translated is examined by its
 * translation. These are warnings also where `strict` refuses warnings: the provider decides, and may take more than we know.
 */
export function bodyWarnings({ endpoint, format, body }: Pick<RequestLine, 'endpoint' | 'format' | 'body'>): Warning[] {
  const root = format === 'openai' ? 'body' : 'params';
  return bodyProblems(endpoint, body).map(({ param, message }) => ({
    param: `${root}.${param}`,
    code: 'likely_refused',
    message: `The provider would most likely refuse this request: ${message}`,
  }));
}
