import { calcPrice, findProvider, type ModelPrice as ListedPrice, type PriceOptions } from '@pydantic/genai-prices';
import { tokensOf, type Usage } from '../../records/usage.ts';
import type { AccountSettings, OwnPrice } from '../account.ts';
import type { Provider } from '../contract.ts';
import { discountOf, ofModel, undiscountedKinds } from '../discounts.ts';

/** Who sells a model, as far as its price goes. */
export interface Seller {
  name: string;
  provider: Provider;
  config: Pick<AccountSettings, 'prices' | 'baseUrl'>;
}

/** Says what one request cost, in US dollars, at the price of a batch or of a single call. */
export interface Pricer {
  batch(usage: Usage): number;
  /**
   * @param tier the one that the answer names; the usual one without it.
   * @returns null where the price of that tier is not known.
   */
  single(usage: Usage, tier?: string | null): number | null;
}

/**
 * Finds a model's prices: those of the account's own configuration, else those of the public list. To be asked once for many
 * requests; each request is priced by itself, since a long prompt has a price of its own.
 *
 * @returns null where no price is known.
 */
export function pricerOf(seller: Seller, model: string): Pricer | null {
  const { prices } = seller.provider;
  const own = seller.config.prices && (seller.config.prices[model] ?? ofModel(seller.config.prices, model));
  const priced = typeof own === 'string' ? own : (ofModel(prices.listedAs ?? {}, model) ?? model);
  const rates = typeof own === 'object' ? ownRates(own) : listedRates(priced, whereListed(seller, own !== undefined));
  if (!rates) return null;
  const discount = (typeof own === 'object' ? own.batchDiscount : undefined) ?? discountOf(prices, priced);
  const same = undiscountedKinds(prices, priced);
  const factors = {
    usual: 1 - discount,
    cached: same.includes('cached') ? 1 : 1 - discount,
    written: same.includes('written') ? 1 : 1 - discount,
  };
  const { input, inputAudio, inputImage } = rates;
  const inBatch = same.includes('cachedAsInput')
    ? { ...rates, cached: input, cachedAudio: inputAudio, cachedImage: inputImage }
    : rates;
  return { batch: (usage) => priceOf(inBatch, usage, factors), single: singleCallsOf(rates, flexFactorOf(seller)) };
}

/**
 * The most tokens that a model writes for one answer: what the account says of it, else what its maker publishes, else the whole context
 * window of the price list.
 *
 * @returns null where nobody says.
 */
export function maxOutputTokensOf({ provider, config }: Seller, model: string): number | null {
  const own = config.prices && (config.prices[model] ?? ofModel(config.prices, model));
  if (typeof own === 'object' && own.maxOutputTokens !== undefined) return own.maxOutputTokens;
  const priced = typeof own === 'string' ? own : (ofModel(provider.prices.listedAs ?? {}, model) ?? model);
  const published = ofModel(provider.maxOutputTokens ?? {}, priced);
  if (published !== undefined) return published;
  const seller = whereListed({ name: '', provider, config }, own !== undefined);
  return calcPrice({}, priced, seller)?.model.context_window ?? null;
}

/** Dollars for a million tokens: one number, or one for each length of the prompt. */
type Rate = number | { base: number; tiers: { start: number; price: number }[] };

/** What each kind of tokens costs. */
interface Rates {
  input: Rate;
  cached: Rate;
  cachedAudio: Rate;
  cachedImage: Rate;
  written: Rate;
  writtenForHour: Rate;
  inputAudio: Rate;
  inputImage: Rate;
  output: Rate;
  outputAudio: Rate;
  outputImage: Rate;
}

function ownRates(own: OwnPrice): Rates {
  const { input, output } = own;
  const cached = own.cachedInput ?? input;
  const inputAudio = own.inputAudio ?? input;
  const inputImage = own.inputImage ?? input;
  return {
    input,
    cached,
    cachedAudio: own.cachedInput ?? inputAudio,
    cachedImage: own.cachedInput ?? inputImage,
    written: own.cacheWrite ?? input,
    writtenForHour: own.cacheWrite1h ?? own.cacheWrite ?? input,
    inputAudio,
    inputImage,
    output,
    outputAudio: own.outputAudio ?? output,
    outputImage: own.outputImage ?? output,
  };
}

function listedRates(model: string, seller: PriceOptions): Rates | null {
  const listed = calcPrice({}, model, seller)?.model_price;
  if (!listed) return null;
  const isFree = Object.keys(listed).length === 0;
  const input = listed.input_mtok ?? (isFree ? 0 : null);
  // What is sold by the minute or the page has no price for tokens.
  if (input === null) return null;
  const output = listed.output_mtok ?? 0;
  const cached = listed.cache_read_mtok ?? input;
  return {
    input,
    cached,
    cachedAudio: listed.cache_audio_read_mtok ?? listed.input_audio_mtok ?? cached,
    cachedImage: listed.cache_image_read_mtok ?? listed.input_image_mtok ?? cached,
    written: listed.cache_write_mtok ?? input,
    writtenForHour: listed.cache_write_1h_mtok ?? hourlyWrite(listed, input),
    inputAudio: listed.input_audio_mtok ?? input,
    inputImage: listed.input_image_mtok ?? input,
    output,
    outputAudio: listed.output_audio_mtok ?? output,
    outputImage: listed.output_image_mtok ?? output,
  };
}

/**
 * Who lists the price: of a live endpoint its address shows it, if anything does. A model that the configuration names may be
 * another company's where the seller has no list.
 */
function whereListed({ config, provider }: Seller, isNamed: boolean): PriceOptions {
  const { list } = provider.prices;
  if (list !== null && findProvider({ providerId: list })) return { providerId: list };
  return isNamed ? {} : { providerApiUrl: config.baseUrl ?? '' };
}

/**
 * Claude's tokens that a cache keeps for an hour cost twice the input, wherever they are sold. Source:
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
 */
function hourlyWrite(listed: ListedPrice, input: Rate): Rate {
  if (listed.cache_write_mtok === undefined) return input;
  if (typeof input === 'number') return input * 2;
  return { base: input.base * 2, tiers: input.tiers.map(({ start, price }) => ({ start, price: price * 2 })) };
}

/** What is left of the price, by kinds of tokens. */
interface Factors {
  usual: number;
  cached: number;
  written: number;
}

const singleCall: Factors = { usual: 1, cached: 1, written: 1 };

/** Tiers that cost more than the usual one by a factor that no list says, or that are paid for in advance. */
const unpricedTiers: ReadonlySet<string> = new Set(['priority', 'performance', 'reserved', 'fast', 'ultrafast']);

/**
 * What is left of the list price for a single call of a tier, by whose list it is. Flex costs what a batch does: "tokens are priced at
 * Batch API rates". Sources: https://developers.openai.com/api/docs/guides/flex-processing,
 * https://learn.microsoft.com/azure/foundry/openai/how-to/flex-processing, https://ai.google.dev/gemini-api/docs/flex-inference, read
 * 2026-11. Groq's flex costs what the usual tier does: https://console.groq.com/docs/flex-processing.
 */
const flexFactors: Readonly<Record<string, number>> = { openai: 0.5, azure: 0.5, google: 0.5 };

/** What of the price a call costs in the tier `flex`. */
function flexFactorOf({ config, provider }: Seller): number {
  const list = provider.prices.list ?? findProvider({ providerApiUrl: config.baseUrl ?? '' })?.id ?? '';
  return flexFactors[list] ?? 1;
}

function singleCallsOf(rates: Rates, flexFactor: number): Pricer['single'] {
  return (usage, tier = null) => {
    if (tier !== null && unpricedTiers.has(tier)) return null;
    const usd = priceOf(rates, usage, singleCall);
    return tier === 'flex' ? usd * flexFactor : usd;
  };
}

function priceOf(rates: Rates, usage: Usage, factors: Factors): number {
  return isPlain(usage) ? plainPriceOf(rates, usage, factors) : wholePriceOf(rates, usage, factors);
}

/** Whether an answer has but the kinds of tokens that every answer has: of the others none. */
function isPlain({ input_tokens_details: input, output_tokens_details: output }: Usage): boolean {
  return (
    !input.cached_tokens &&
    !input.cache_write_tokens &&
    !input.cache_write_1h_tokens &&
    !input.audio_tokens &&
    !input.image_tokens &&
    !input.cached_audio_tokens &&
    !input.cached_image_tokens &&
    !output.audio_tokens &&
    !output.image_tokens
  );
}

/** What `wholePriceOf` gives where all of its other terms are 0. Prepare asks twice for each line. */
function plainPriceOf({ input, output }: Rates, usage: Usage, { usual }: Factors): number {
  const dollars = usage.input_tokens * rateAt(input, usage.input_tokens);
  return ((dollars + usage.output_tokens * rateAt(output, usage.input_tokens)) * usual) / 1e6;
}

function wholePriceOf(rates: Rates, usage: Usage, factors: Factors): number {
  const tokens = tokensOf(usage);
  const { input, cached, cachedAudio, cachedImage, written, writtenForHour, outputAudio, outputImage } = tokens;
  const inputAudio = Math.max(0, tokens.inputAudio - cachedAudio);
  const inputImage = Math.max(0, tokens.inputImage - cachedImage);
  const rate = (kind: keyof Rates) => rateAt(rates[kind], input);
  const usual =
    Math.max(0, input - cached - written - inputAudio - inputImage) * rate('input') +
    inputAudio * rate('inputAudio') +
    inputImage * rate('inputImage') +
    Math.max(0, tokens.output - outputAudio - outputImage) * rate('output') +
    outputAudio * rate('outputAudio') +
    outputImage * rate('outputImage');
  // A cached token never costs more than one that is not: of what has no price for it, and no discount, that would be so in a batch.
  const readRate = (kind: keyof Rates, unread: keyof Rates) =>
    Math.min(rate(kind) * factors.cached, rate(unread) * factors.usual);
  const read =
    Math.max(0, cached - cachedAudio - cachedImage) * readRate('cached', 'input') +
    cachedAudio * readRate('cachedAudio', 'inputAudio') +
    cachedImage * readRate('cachedImage', 'inputImage');
  const write = Math.max(0, written - writtenForHour) * rate('written') + writtenForHour * rate('writtenForHour');
  return (usual * factors.usual + read + write * factors.written) / 1e6;
}

/** One request's input, cached tokens included, decides for all of its tokens. Source: pydantic/genai-prices#241. */
function rateAt(rate: Rate, inputTokens: number): number {
  if (typeof rate === 'number') return rate;
  let { base: price } = rate;
  for (const tier of rate.tiers) if (inputTokens > tier.start) price = tier.price;
  return price;
}

/** The names of a seller's models that the public price list has. */
export function listedModels({ provider }: Seller): string[] {
  if (provider.prices.list === null) return [];
  return findProvider({ providerId: provider.prices.list })?.models.map(({ id }) => id) ?? [];
}
