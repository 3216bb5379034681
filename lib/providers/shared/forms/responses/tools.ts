import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import { type LineNotes, present } from '../notes.ts';

const functionKeys: ReadonlySet<string> = new Set(['type', 'name', 'description', 'parameters', 'strict']);
const customKeys: ReadonlySet<string> = new Set(['type', 'name', 'description', 'format']);

/** @returns the members of a chat completion that are about tools. */
export function toolsFrom({ tools, tool_choice, parallel_tool_calls }: JsonObject, notes: LineNotes): JsonObject {
  const described = isAbsent(tools) ? [] : describedTools(tools, notes);
  const choice = isAbsent(tool_choice) ? undefined : choiceFrom(tool_choice, notes);
  if (described.length > 0) return { tools: described, tool_choice: choice, parallel_tool_calls };
  if (choice !== undefined && choice !== 'auto' && choice !== 'none')
    throw notes.invalid('tools', 'the tools to choose');
  return {};
}

function describedTools(tools: unknown, notes: LineNotes): JsonObject[] {
  if (!Array.isArray(tools)) throw notes.invalid('tools', 'an array of tools');
  return tools.map((tool: unknown, index) => {
    if (!isObject(tool)) throw notes.invalid(`tools[${index}]`, 'an object');
    return toolFrom(tool, `tools[${index}]`, notes);
  });
}

function toolFrom(tool: JsonObject, place: string, notes: LineNotes): JsonObject {
  const { type, name, description, parameters, strict, format } = tool;
  switch (type) {
    case 'function':
      notes.dropOthers(tool, functionKeys, 'tools[]');
      return { type, function: present({ name, description, parameters, strict }) };
    case 'custom':
      notes.dropOthers(tool, customKeys, 'tools[]');
      return { type, custom: present({ name, description, format: customFormat(format) }) };
    default:
      throw notes.unsupported(`${place}.type`, "the provider's own tools run there only; describe a function of yours");
  }
}

function customFormat(format: unknown): unknown {
  if (!isObject(format) || format.type !== 'grammar') return format;
  const { syntax, definition } = format;
  return { type: 'grammar', grammar: { syntax, definition } };
}

const allowedKeys: ReadonlySet<string> = new Set(['type', 'mode', 'tools']);
const namedKeys: ReadonlySet<string> = new Set(['type', 'name']);

function choiceFrom(choice: unknown, notes: LineNotes): unknown {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  if (!isObject(choice)) throw notes.invalid('tool_choice', "'auto', 'none', 'required' or an object");
  if (choice.type !== 'allowed_tools') return namedTool(choice, 'tool_choice', notes);
  notes.dropOthers(choice, allowedKeys, 'tool_choice');
  const { mode, tools } = choice;
  if (!Array.isArray(tools)) throw notes.invalid('tool_choice.tools', 'an array of tools');
  const allowed = tools.map((tool: unknown, index) => namedTool(tool, `tool_choice.tools[${index}]`, notes));
  return { type: 'allowed_tools', allowed_tools: { mode, tools: allowed } };
}

function namedTool(tool: unknown, place: string, notes: LineNotes): JsonObject {
  if (!isObject(tool)) throw notes.invalid(place, 'an object');
  notes.dropOthers(tool, namedKeys, place);
  const { type, name } = tool;
  if (type === 'function') return { type, function: { name } };
  if (type === 'custom') return { type, custom: { name } };
  throw notes.unsupported(place, "the provider's own tools run there only; name a function of yours");
}
