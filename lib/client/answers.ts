import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { Endpoint } from '../records/endpoints.ts';
import { isObject } from '../records/json.ts';

/** The body of a successful answer, as the live endpoint gives it. */
export interface Answers {
  '/v1/responses': OpenAI.Responses.Response;
  '/v1/chat/completions': OpenAI.ChatCompletion;
  '/v1/embeddings': OpenAI.CreateEmbeddingResponse;
  '/v1/completions': OpenAI.Completion;
  '/v1/moderations': OpenAI.ModerationCreateResponse;
  '/v1/images/generations': OpenAI.ImagesResponse;
  '/v1/images/edits': OpenAI.ImagesResponse;
  '/v1/videos': OpenAI.Video;
  '/v1/messages': Anthropic.Message;
}

/** What the live endpoint takes, without the model. Anything may come from `defaults`, so nothing is required here. */
export interface RequestBodies {
  '/v1/responses': Body<OpenAI.Responses.ResponseCreateParamsNonStreaming>;
  '/v1/chat/completions': Body<OpenAI.ChatCompletionCreateParamsNonStreaming>;
  '/v1/embeddings': Body<OpenAI.EmbeddingCreateParams>;
  '/v1/completions': Body<OpenAI.CompletionCreateParamsNonStreaming>;
  '/v1/moderations': Body<OpenAI.ModerationCreateParams>;
  '/v1/images/generations': Body<OpenAI.ImageGenerateParamsNonStreaming>;
  /** Files are named by id or URL in a batch, unlike in a live call, so any member may stand here. */
  '/v1/images/edits': Record<string, unknown>;
  '/v1/videos': Body<OpenAI.VideoCreateParams>;
  '/v1/messages': Body<Anthropic.MessageCreateParamsNonStreaming>;
}

type Body<Params> = Partial<Omit<Params, 'model' | 'stream'>>;

/** The body of an answer of whatever endpoint. */
export type Answer = Answers[Endpoint];

type AnswerChecks = { [Name in Endpoint]: (body: unknown) => body is Answers[Name] };

/** What an answer must have at least to be one. */
const answerChecks: AnswerChecks = {
  '/v1/responses': (body): body is Answers['/v1/responses'] => hasList(body, 'output'),
  '/v1/chat/completions': (body): body is Answers['/v1/chat/completions'] => hasList(body, 'choices'),
  '/v1/embeddings': (body): body is Answers['/v1/embeddings'] => hasList(body, 'data'),
  '/v1/completions': (body): body is Answers['/v1/completions'] => hasList(body, 'choices'),
  '/v1/moderations': (body): body is Answers['/v1/moderations'] => hasList(body, 'results'),
  '/v1/images/generations': (body): body is Answers['/v1/images/generations'] => isObject(body),
  '/v1/images/edits': (body): body is Answers['/v1/images/edits'] => isObject(body),
  '/v1/videos': (body): body is Answers['/v1/videos'] => isObject(body),
  '/v1/messages': (body): body is Answers['/v1/messages'] => hasList(body, 'content'),
};

/** Whether this is an answer of that endpoint. */
export function isAnswer(endpoint: Endpoint, body: unknown): body is Answer {
  return answerChecks[endpoint](body);
}

function hasList(body: unknown, member: string): boolean {
  return isObject(body) && Array.isArray(body[member]);
}
