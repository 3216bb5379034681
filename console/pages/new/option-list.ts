/** How an option is typed in, and what it does. */
export interface OptionField {
  name: string;
  label: string;
  help: string;
  form:
    | { kind: 'number'; min: number; step: number | 'any' }
    | { kind: 'choice'; values: readonly (readonly [value: string, label: string])[] }
    | { kind: 'check' }
    | { kind: 'text'; placeholder: string }
    | { kind: 'labels'; placeholder: string };
  /** Shown only for a table. */
  isOfTable?: boolean;
  /** Not behind the fold. */
  isUsual?: boolean;
}

export const optionFields: readonly OptionField[] = [
  {
    name: 'max_cost_usd',
    label: 'At most, in dollars',
    help: 'A batch that may cost more, or whose price is not known, is refused before anything is sent.',
    form: { kind: 'number', min: 0, step: 'any' },
    isUsual: true,
  },
  {
    name: 'deadline_hours',
    label: 'Deadline, in hours',
    help: 'Then the batch ends, and what is unanswered becomes errors. Usually 24 for each attempt.',
    form: { kind: 'number', min: 0, step: 'any' },
    isUsual: true,
  },
  {
    name: 'metadata',
    label: 'Labels',
    help: 'Kept on the batch; providers never see them. One a line, as team=search.',
    form: { kind: 'labels', placeholder: 'team=search' },
    isUsual: true,
  },
  {
    name: 'priority',
    label: 'Priority',
    help: "How soon it tries again where a provider's places are taken.",
    form: {
      kind: 'choice',
      values: [
        ['', 'normal'],
        ['high', 'high'],
        ['low', 'low'],
      ],
    },
  },
  {
    name: 'max_attempts',
    label: 'Attempts',
    help: 'How often a request may be sent that failed for no fault of its own. Usually 3.',
    form: { kind: 'number', min: 1, step: 1 },
  },
  {
    name: 'provider',
    label: 'Account',
    help: 'For lines whose model names none. Usually the model decides.',
    form: { kind: 'text', placeholder: 'by model' },
  },
  {
    name: 'assume_output_tokens',
    label: 'Assumed output tokens',
    help: 'What a request without a limit on its output counts in the estimate and under the cap.',
    form: { kind: 'number', min: 1, step: 1 },
  },
  {
    name: 'on_invalid_line',
    label: 'An invalid line',
    help: 'Fails the batch before anything is sent, or becomes an error while the others are sent.',
    form: {
      kind: 'choice',
      values: [
        ['', 'fails the batch'],
        ['error_line', 'becomes an error'],
      ],
    },
  },
  {
    name: 'on_unknown_model',
    label: 'An unknown model',
    help: 'The same for a model that no account has.',
    form: {
      kind: 'choice',
      values: [
        ['', 'fails the batch'],
        ['error_line', 'becomes an error'],
      ],
    },
  },
  {
    name: 'on_lost_result',
    label: 'A lost answer',
    help: 'One that was paid for and cannot be had becomes an error, or its request is sent and paid for again.',
    form: {
      kind: 'choice',
      values: [
        ['', 'becomes an error'],
        ['resend', 'is asked for again'],
      ],
    },
  },
  {
    name: 'output_format',
    label: 'Form of the results table',
    help: "Usually the table's own.",
    form: {
      kind: 'choice',
      values: [
        ['', "the table's own"],
        ['csv', 'CSV'],
        ['jsonl', 'JSON lines'],
        ['parquet', 'Parquet'],
      ],
    },
    isOfTable: true,
  },
  {
    name: 'strict',
    label: 'Strict',
    help: 'A parameter that a provider cannot take is an error and no warning.',
    form: { kind: 'check' },
  },
];

/** The options as the API takes them, of those that were given. */
export function optionsIn(given: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = optionFields.flatMap(({ name, form }): [string, unknown][] => {
    const text = given[name]?.trim() ?? '';
    return text === '' ? [] : [[name, valueIn(text, form.kind)]];
  });
  return Object.fromEntries(entries);
}

function valueIn(text: string, kind: OptionField['form']['kind']): unknown {
  switch (kind) {
    case 'number':
      return Number(text);
    case 'check':
      return text === 'true';
    case 'labels':
      return labelsIn(text);
    case 'choice':
    case 'text':
      return text;
  }
}

/** @throws Error for a line that is no label. */
function labelsIn(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(lines.map(labelIn));
}

function labelIn(line: string): [label: string, value: string] {
  const at = line.indexOf('=');
  if (at < 1) throw new Error(`'${line.slice(0, 60)}' is no label: write it as team=search.`);
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}
