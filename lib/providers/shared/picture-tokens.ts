/** How many tokens a picture of a request counts. Without its size, the most that the model's rule gives. */
export type PictureRule = (model: string, picture: { size: PictureSize | null; detail: unknown }) => number;

export interface PictureSize {
  width: number;
  height: number;
}

/** Source: https://developers.openai.com/api/docs/guides/images-vision#calculating-costs, read 2026-11. */
export const openAIPictures: PictureRule = (model, { size, detail }) => {
  const patches = patchModels.find(([pattern]) => pattern.test(model));
  if (patches) return Math.ceil(patchesOf(size, patches[2](detail)) * patches[1]);
  const [base, tile] = tileModels.find(([pattern]) => pattern.test(model))?.[1] ?? [85, 170];
  return detail === 'low' ? base : base + tile * tilesOf(size);
};

/** Into how many pixels a picture is scaled, and how many patches it has then at most. */
interface PatchBudget {
  pixels: number;
  patches: number;
}

const low: PatchBudget = { pixels: 512, patches: 256 };
const high: PatchBudget = { pixels: 2_048, patches: 2_500 };
const large: PatchBudget = { pixels: 6_000, patches: 10_000 };
/** A square of 2,048 pixels has 4,096, which is below the budget of 6,144. */
const usual: PatchBudget = { pixels: 2_048, patches: 4_096 };
/** Without a budget; what has more is refused. */
const unscaled: PatchBudget = { pixels: 65_535, patches: 30_000 };

/** Models that count patches of 32 pixels: the tokens of one, and how many there may be by `detail`, which is `auto` if it is not said. */
const patchModels: readonly (readonly [RegExp, number, (detail: unknown) => PatchBudget])[] = [
  [/^gpt-(5\.[6-9]|[6-9])/, 1.2, (detail) => (detail === 'low' ? low : detail === 'high' ? high : unscaled)],
  [/^gpt-5\.5/, 1.2, (detail) => (detail === 'low' ? low : detail === 'high' ? high : large)],
  [/^gpt-5\.4/, 1.2, (detail) => (detail === 'low' ? usual : detail === 'original' ? large : high)],
  [/^gpt-5\.2/, 1.2, () => usual],
  [/^gpt-5[^-]*-nano/, 1.5, () => usual],
  [/^gpt-5[^-]*-mini/, 1.2, () => usual],
  [/^gpt-4\.1-nano/, 2.46, () => usual],
  [/^gpt-4\.1-mini/, 1.62, () => usual],
  [/^o4-mini/, 1.72, () => usual],
];

/** Models that count tiles of 512 pixels: tokens of a picture, and of each of its tiles. */
const tileModels: readonly (readonly [RegExp, readonly [number, number]])[] = [
  [/^gpt-4o-mini/, [2_833, 5_667]],
  [/^gpt-5/, [70, 140]],
  [/^o[13]/, [75, 150]],
];

function patchesOf(size: PictureSize | null, { pixels, patches }: PatchBudget): number {
  if (!size) return patches;
  const scale = Math.min(1, pixels / Math.max(size.width, size.height));
  return Math.min(patches, Math.ceil((size.width * scale) / 32) * Math.ceil((size.height * scale) / 32));
}

/** A picture is scaled into 2,048 pixels, then its shorter side to 768. */
function tilesOf(size: PictureSize | null): number {
  if (!size) return 8;
  const into = Math.min(1, 2_048 / Math.max(size.width, size.height));
  const scale = into * Math.min(1, 768 / (Math.min(size.width, size.height) * into));
  return Math.ceil((size.width * scale) / 512) * Math.ceil((size.height * scale) / 512);
}

/** Squares of 28 pixels. Source: https://platform.claude.com/docs/en/build-with-claude/vision#evaluate-image-size, read 2026-11. */
export const claudePictures: PictureRule = (model, { size }) => {
  const most = /claude-(?:opus|sonnet|haiku)-(?:3|4-[0-6]|4-20)|claude-3/.test(model) ? 1_600 : 4_784;
  return size ? Math.min(most, Math.ceil(size.width / 28) * Math.ceil(size.height / 28)) : most;
};

/**
 * Gemini 3 at its highest resolution, which is the usual one; before it tiles of 258. Source:
 * https://ai.google.dev/gemini-api/docs/image-understanding#calculate-tokens and .../media-resolution, read 2026-11.
 */
export const geminiPictures: PictureRule = (model, { size }) => {
  if (/^gemini-[3-9]/.test(model)) return 1_120;
  if (!size) return 258 * 6;
  if (size.width <= 384 && size.height <= 384) return 258;
  const tile = Math.min(768, Math.max(256, Math.floor(Math.min(size.width, size.height) / 1.5)));
  return 258 * Math.ceil(size.width / tile) * Math.ceil(size.height / tile);
};

/** Patches of 16 pixels of at most 1,024, or fewer and larger ones of newer models. Source: https://docs.mistral.ai/capabilities/vision, from memory; a bill with a picture decides. */
export const mistralPictures: PictureRule = (_model, { size }) => {
  if (!size) return 4_160;
  const scale = Math.min(1, 1_024 / Math.max(size.width, size.height));
  return Math.ceil((size.width * scale) / 16) * (Math.ceil((size.height * scale) / 16) + 1);
};

/** Of models whose rule is not known: more than most count. */
export const unknownPictures: PictureRule = () => 4_784;

/** Begins of files, in which the size stands; a JPEG may have a preview before it. */
const readBytes = 96 * 1_024;

/** @returns the size in pixels of a PNG, GIF, WebP or JPEG; null of what is none, or does not say so soon. */
export function pictureSizeOf(base64: string): PictureSize | null {
  const bytes = Buffer.from(base64.slice(0, (readBytes / 3) * 4), 'base64');
  const magic = bytes.toString('latin1', 0, 16);
  if (magic.startsWith('\x89PNG') && bytes.length >= 24)
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (magic.startsWith('GIF8') && bytes.length >= 10)
    return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  if (magic.startsWith('RIFF') && magic.slice(8, 12) === 'WEBP') return webpSize(bytes, magic.slice(12, 16));
  return magic.startsWith('\xff\xd8') ? jpegSize(bytes) : null;
}

function webpSize(bytes: Buffer, chunk: string): PictureSize | null {
  if (bytes.length < 30) return null;
  if (chunk === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (chunk === 'VP8 ') return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  const bits = bytes.readUInt32LE(21);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

/** Segments follow each other; the one that begins a frame has the size. */
function jpegSize(bytes: Buffer): PictureSize | null {
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) return null;
    const beginsFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (beginsFrame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}
