import { outputFormats } from '../../lib/records/table-kind.ts';

/** How `results` writes a row for each request. */
export const resultFormats = [...outputFormats, 'text'] as const;
export type ResultFormat = (typeof resultFormats)[number];
