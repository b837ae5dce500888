// Random numbers that are the same for the same seed, and the distributions that the made data needs.

/** sfc32, a small generator that passes PractRand. */
export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter: number;

  constructor(seed: number) {
    this.#counter = seed | 0;
    for (let round = 0; round < 16; round++) this.next();
  }

  /** At least 0 and below 1. */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return (t >>> 0) / 4_294_967_296;
  }

  /** An integer of at least `low` and below `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<T>(items: readonly T[]): T {
    return items[this.between(0, items.length)] as T;
  }

  /** One of `items`, each with its share of 1,000. */
  byShare<T extends { share: number }>(items: readonly T[]): T {
    let left = this.between(0, 1_000);
    for (const item of items) {
      if (left < item.share) return item;
      left -= item.share;
    }
    throw new Error("shares have to add up to 1,000");
  }

  /** A number of the standard normal distribution. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** A number of the log-normal distribution with this median. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }
}
