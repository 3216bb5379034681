export interface OfferedTool {
  name: string;
  /** JSON schema of the arguments; null: the tool takes free text. */
  parameters: unknown;
}

export interface ToolSituation {
  tools: OfferedTool[];
  choice: 'none' | 'auto' | 'required' | { name: string };
  isParallel: boolean;
  question: string;
}

/** The tools that the model calls. Left free, it calls those that the question names (spaces count for underscores). */
export function chooseTools({ tools, choice, isParallel, question }: ToolSituation): OfferedTool[] {
  if (choice === 'none') return [];
  if (typeof choice === 'object') return tools.filter((tool) => tool.name === choice.name);
  const spaced = question.toLowerCase().replaceAll(/[\s-]+/g, '_');
  const named = tools.filter((tool) => spaced.includes(tool.name.toLowerCase()));
  const chosen = named.length === 0 && choice === 'required' ? tools.slice(0, 1) : named;
  return isParallel ? chosen : chosen.slice(0, 1);
}
