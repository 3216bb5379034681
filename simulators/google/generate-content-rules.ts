import type { GenerateContent, WireContent, WirePart } from './generate-content-request.ts';

/** Which of the two APIs is asked, and for which model. */
export interface AskedModel {
  surface: 'gemini' | 'vertex';
  model: string;
}

/** What is wrong with a request beyond the types of its members; null where nothing is. */
export function complaintAbout(request: GenerateContent, asked: AskedModel): string | null {
  if (request.labels && asked.surface === 'gemini') return 'Invalid JSON payload received. Unknown name "labels"';
  return (
    partsComplaint(request.contents, asked) ??
    turnsComplaint(request.contents) ??
    signatureComplaint(request.contents, asked.model) ??
    toolsComplaint(request) ??
    configComplaint(request, asked.model)
  );
}

const dataKeys = ['text', 'inlineData', 'fileData', 'functionCall', 'functionResponse'] as const;

function partsComplaint(contents: WireContent[], { surface }: AskedModel): string | null {
  for (const part of contents.flatMap(({ parts }) => parts)) {
    if (dataKeys.filter((key) => part[key] !== undefined).length !== 1)
      return "Unable to submit request because it must have exactly one data field of oneof 'data' in each part.";
    if (part.fileData && !mayRead(part.fileData, surface))
      return `Cannot fetch content from the provided URL: ${part.fileData.fileUri}`;
  }
  return null;
}

function mayRead(
  { fileUri, mimeType }: { fileUri: string; mimeType?: string | undefined },
  surface: AskedModel['surface'],
): boolean {
  if (surface === 'vertex') return mimeType !== undefined && /^(https?|gs):\/\//.test(fileUri);
  if (/^https:\/\/generativelanguage\.googleapis\.com\/v1beta\/files\//.test(fileUri)) return true;
  return mimeType !== undefined && /^https?:\/\//.test(fileUri);
}

function namesOf(content: WireContent | undefined, key: 'functionCall' | 'functionResponse'): string[] {
  return (content?.parts ?? []).flatMap((part: WirePart) => part[key]?.name ?? []);
}

function turnsComplaint(contents: WireContent[]): string | null {
  for (const [index, content] of contents.entries()) {
    const calls = namesOf(content, 'functionCall');
    if (calls.length > 0 && content.role !== 'model') return 'Please ensure that function calls come from the model.';
    if (calls.length > 0 && (index === 0 || contents[index - 1]?.role === 'model'))
      return 'Please ensure that function call turn comes immediately after a user turn or after a function response turn.';
    const responses = namesOf(content, 'functionResponse');
    const asked = index > 0 ? namesOf(contents[index - 1], 'functionCall') : [];
    if (responses.length > 0 && responses.toSorted().join() !== asked.toSorted().join())
      return 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.';
  }
  return null;
}

/** Gemini 3 looks at the turn that is going on: what came after the user last spoke. */
function signatureComplaint(contents: WireContent[], model: string): string | null {
  if (!/^gemini-[3-9]/.test(model)) return null;
  const start = contents.findLastIndex(
    ({ role, parts }) => role === 'user' && parts.some((part) => part.functionResponse === undefined),
  );
  const unsigned = contents.slice(start + 1).some((content) => {
    const first = content.parts.find((part) => part.functionCall !== undefined);
    return first !== undefined && first.thoughtSignature === undefined;
  });
  return unsigned ? 'Function call is missing a thought_signature in functionCall parts.' : null;
}

function toolsComplaint({ tools = [], toolConfig }: GenerateContent): string | null {
  const names = tools.flatMap(({ functionDeclarations }) => functionDeclarations.map(({ name }) => name));
  if (new Set(names).size < names.length) return 'Duplicate function declaration found.';
  const config = toolConfig?.functionCallingConfig;
  if (!config) return null;
  if (names.length === 0) return 'Function calling config is set without function_declarations.';
  const allowed = config.allowedFunctionNames;
  if (allowed && config.mode !== 'ANY') return 'allowed_function_names should only be set when mode is ANY.';
  return allowed?.some((name) => !names.includes(name))
    ? 'allowed_function_names should be a subset of the declared functions.'
    : null;
}

function configComplaint({ generationConfig = {} }: GenerateContent, model: string): string | null {
  const { responseJsonSchema, responseMimeType, logprobs, responseLogprobs, thinkingConfig } = generationConfig;
  if (!/^gemini-(1|2\.0)/.test(model) && (generationConfig.presencePenalty || generationConfig.frequencyPenalty))
    return 'Penalty is not enabled for this model.';
  const schemas = [generationConfig.responseSchema, responseJsonSchema].filter((schema) => schema !== undefined);
  if (schemas.length > 1) return 'Only one of response_schema and response_json_schema may be set.';
  if (schemas.length > 0 && responseMimeType !== 'application/json')
    return 'A response schema is only supported with response_mime_type application/json.';
  if (logprobs !== undefined && responseLogprobs !== true) return 'logprobs requires response_logprobs to be true.';
  return thinkingConfig ? thinkingComplaint(thinkingConfig, model) : null;
}

function thinkingComplaint(
  { thinkingBudget, thinkingLevel }: { thinkingBudget?: number | undefined; thinkingLevel?: string | undefined },
  model: string,
): string | null {
  if (/^gemini-[12]\.[0-4]/.test(model)) return 'Thinking is not enabled for this model.';
  const isOld = /^gemini-2\.5/.test(model);
  const isPro = /-pro(-|$)/.test(model);
  if (thinkingBudget !== undefined && thinkingLevel !== undefined)
    return 'Only one of thinking_budget and thinking_level may be set.';
  if (thinkingLevel !== undefined && isOld) return 'Thinking level is not supported for this model.';
  if (thinkingLevel === 'MINIMAL' && isPro) return 'Thinking level MINIMAL is not supported for this model.';
  if (thinkingBudget === 0 && isPro) return 'Budget 0 is invalid. This model only works in thinking mode.';
  return null;
}
