type RefusalCode = 'invalid_request' | 'unsupported_parameter' | 'unsupported_endpoint' | 'unsupported_model';

/** Ends the translation of one line from wherever it is; `translatedRequest` catches it and answers with data. */
export class UntranslatableError extends Error {
  override readonly name = 'UntranslatableError';
  readonly code: RefusalCode;
  readonly param: string;

  constructor(code: RefusalCode, param: string, message: string) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

/** The line is wrong at any provider. */
export function invalid(param: string, expected: string): UntranslatableError {
  return new UntranslatableError('invalid_request', param, `Invalid value for '${param}': expected ${expected}.`);
}
