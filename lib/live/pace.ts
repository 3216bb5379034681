/** A batch of fewer requests is hardly one. */
const fewRequests = 100;
/** Who asks again so soon after its answers keeps few calls in flight. */
const soonMs = 60_000;
/** So many more calls are reckoned with. */
const reckonedCalls = 1_000;

/** Sees programs that keep few calls in flight, so that each batch is a round trip, and says what that comes to. */
export class Pace {
  #sentAtMs = 0;
  #sent = 0;
  #answeredAtMs: number | null = null;
  #advice: string | null = null;

  sent(requests: number, nowMs = Date.now()): void {
    const tookMs = this.#answeredAtMs === null ? null : this.#answeredAtMs - this.#sentAtMs;
    const isRoundTrip = tookMs !== null && this.#sent < fewRequests && nowMs - (this.#answeredAtMs ?? 0) < soonMs;
    this.#advice = isRoundTrip && requests < fewRequests ? adviceFor(this.#sent, tookMs) : null;
    this.#sent = requests;
    this.#sentAtMs = nowMs;
    this.#answeredAtMs = null;
  }

  answered(requests: number, nowMs = Date.now()): void {
    if (requests > 0) this.#answeredAtMs = nowMs;
  }

  get advice(): string | null {
    return this.#advice;
  }
}

function adviceFor(inFlight: number, roundTripMs: number): string {
  const seconds = Math.ceil(reckonedCalls / inFlight) * (roundTripMs / 1000);
  return `${inFlight} calls in flight, ${durationText(roundTripMs / 1000)} for each round: ${reckonedCalls} more take ${durationText(seconds)}. Let the program have hundreds in flight (docs/live-calls.md names the setting).`;
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
