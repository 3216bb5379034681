import { publishedType } from './published-types.ts';
import { Sampler, type Sampling, type Shape } from './sampled-shapes.ts';

/** Every shape of a type of answers. */
export interface AnswerShapes {
  shapes: Shape[];
  unread: ReadonlySet<string>;
}

function answerShapes(type: Parameters<typeof publishedType>, sampling: Sampling): AnswerShapes {
  const sampler = new Sampler(sampling);
  const shapes = sampler.shapes(publishedType(...type));
  return { shapes, unread: sampler.unread };
}

const aws = 'dist-types/models/models_0.d.ts';
const candidate = { content: { role: 'model', parts: [{ text: 'MARK' }] }, finishReason: 'STOP' };

/** What models answer, by the interfaces that say so. */
export const allAnswerShapes = {
  ChatCompletion: answerShapes(['openai', 'resources/chat/completions/completions.d.ts', 'ChatCompletion'], {
    skips: /^(model|object)$|\.role$/,
    bases: { 'choices[]': { finish_reason: 'stop' } },
    maxDepth: 5,
  }),
  Message: answerShapes(['@anthropic-ai/sdk', 'resources/messages/messages.d.ts', 'Message'], {
    skips: /^(model|type|role)$/,
    bases: { '': { stop_reason: 'end_turn' } },
    samples: [[/expires_at$/, ['2026-11-01T00:00:00Z']]],
    maxDepth: 5,
  }),
  GenerateContentResponse: answerShapes(['@google/genai', 'dist/genai.d.ts', 'GenerateContentResponse'], {
    skips: /^(sdkHttpResponse|automaticFunctionCallingHistory|createTime)$|\.role$/,
    bases: {
      '': { candidates: [candidate] },
      'candidates[]': candidate,
      'candidates[].logprobsResult': { chosenCandidates: [{ token: 'MARK' }] },
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5 },
    },
    samples: [
      [/\.mimeType$/, ['image/png', 'audio/wav', 'video/mp4']],
      [/^usageMetadata\.\w+Details\[\]\.modality$/, ['AUDIO', 'IMAGE']],
    ],
    maxDepth: 5,
  }),
  ConverseResponse: answerShapes(['@aws-sdk/client-bedrock-runtime', aws, 'ConverseResponse'], {
    skips: /\.role$/,
    bases: {
      '': {
        output: { message: { role: 'assistant', content: [{ text: 'MARK' }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 3, outputTokens: 5, totalTokens: 8 },
      },
    },
    maxDepth: 6,
  }),
  AssistantMessage: answerShapes(
    ['@mistralai/mistralai', 'esm/models/components/assistantmessage.d.ts', 'AssistantMessage$Outbound'],
    { skips: /^role$|^prefix$/, maxDepth: 6 },
  ),
} as const;
