/** A statement of a policy of the stack, with the ARNs of the local account in place of references. */
export interface Statement {
  actions: string[];
  resources: string[];
  /** Values that condition keys must have: `StringEquals`, the only operator that the stack uses. */
  conditions: Record<string, string>;
}

/** The statements of each function, by the name that it has in the stack. */
export type PolicyBook = Record<string, Statement[]>;

/** One action on one resource, as a statement says them. */
export interface Grant {
  action: string;
  /** May have wildcards. */
  resource: string;
}

export function grantsOf(statements: readonly Statement[]): Grant[] {
  return statements.flatMap(({ actions, resources }) =>
    actions.flatMap((action) => resources.map((resource) => ({ action, resource }))),
  );
}

export interface Asked {
  action: string;
  resource: string;
  conditions?: Record<string, string>;
}

/** @returns the grants that allow what is asked. */
export function grantsFor(statements: readonly Statement[], asked: Asked): Grant[] {
  const meeting = statements.filter(({ conditions }) =>
    Object.entries(conditions).every(([key, value]) => asked.conditions?.[key] === value),
  );
  return grantsOf(meeting).filter(
    ({ action, resource }) =>
      matches(action.toLowerCase(), asked.action.toLowerCase()) && matches(resource, asked.resource),
  );
}

const expressions = new Map<string, RegExp>();

/** As IAM has it: `*` stands for any characters, `?` for one, and `${*}`, `${?}` and `${$}` for themselves. */
function matches(pattern: string, text: string): boolean {
  const expression = expressions.get(pattern) ?? new RegExp(`^${expressionOf(pattern)}$`, 's');
  expressions.set(pattern, expression);
  return expression.test(text);
}

function expressionOf(pattern: string): string {
  const parts = pattern.match(/\$\{[*?$]\}|[\s\S]/g) ?? [];
  return parts.map((part) => wildcards[part] ?? literal(part.length > 1 ? part.charAt(2) : part)).join('');
}

const wildcards: Record<string, string> = { '*': '.*', '?': '.' };

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
}
