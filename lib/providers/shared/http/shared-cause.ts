/** Codes about what all lines of a sending have in common: `model_not_found`, `invalid_api_key`, `account_deactivated`. */
const codes = /model|account|billing|quota|permission|auth|organi[sz]ation|api_?key/i;

/** The same in words. What a model cannot do with one line, such as to look at a picture, is not among them. */
const words: readonly RegExp[] = [
  /\b(?:no such|unknown|unsupported|invalid|deprecated) (?:model|deployment)\b/i,
  /\b(?:model|deployment)\b.{0,120}?\b(?:not found|does not exist|not available|unavailable|deprecated|retired|no access)\b/i,
  /\b(?:model|deployment)\b.{0,120}?\bnot supported (?:by|in|for|with) (?:the )?batch/i,
  /\bparams\.model\b/,
  /\banthropic-(?:beta|version)\b/,
  /\b(?:role|policy|bucket|kms)\b.{0,120}?\b(?:permissions?|denied|authorized)\b/i,
  /\b(?:your|this|the) (?:account|organi[sz]ation|workspace|project|subscription|api key)\b/i,
];

/** Whether a refusal is about the account, its key or the model: no sending of fewer lines would be taken. */
export function isSharedByAllLines({ code, message }: { code: string; message: string }): boolean {
  return codes.test(code) || words.some((pattern) => pattern.test(message));
}
