import { isAbsent } from '../../../lines/foreign-json.ts';
import { isObject } from '../../../records/json.ts';
import { type Placed, placedObjects } from './chat-messages.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

const toolKeys: ReadonlySet<string> = new Set(['type', 'function']);
const functionKeys: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'strict']);

export function placedTools(tools: unknown): Placed[] {
  return isAbsent(tools) ? [] : placedObjects(tools, 'body.tools', 'an array of tools');
}

/** The functions of a chat completion that has functions for tools and nothing else. */
export function placedFunctions(tools: unknown, notes: TranslationNotes): Placed[] {
  return placedTools(tools).map((tool) => functionOf(tool, notes));
}

/** The function that a tool is. */
export function functionOf({ value: tool, param }: Placed, notes: TranslationNotes): Placed {
  if (tool.type === 'custom') throw notes.unsupported(param, 'custom tools take free text; use a function');
  if (!isObject(tool.function)) throw invalid(`${param}.function`, 'an object');
  notes.dropOthers(tool, toolKeys, 'body.tools[]');
  notes.dropOthers(tool.function, functionKeys, 'body.tools[].function');
  return { value: tool.function, param: `${param}.function` };
}
