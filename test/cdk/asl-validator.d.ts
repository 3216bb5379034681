/** The part of asl-validator 4 that is used; it brings no types of its own entry. */
declare module 'asl-validator' {
  function validate(definition: object): { isValid: boolean; errorsText?: (separator: string) => string };
  export = validate;
}
