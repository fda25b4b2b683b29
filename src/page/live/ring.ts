/** The newest so many, newest first. */
export class Ring<T> {
  readonly #capacity: number;
  #items: T[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return Math.min(this.#items.length, this.#capacity);
  }

  push(item: T): void {
    this.#items.push(item);
    // Cut seldom, so that a burst costs no copy for each item.
    if (this.#items.length >= this.#capacity * 2) this.#items = this.#items.slice(-this.#capacity);
  }

  newest(count: number = this.#capacity): T[] {
    return this.#items.slice(-Math.min(count, this.#capacity)).reverse();
  }

  clear(): void {
    this.#items = [];
  }
}
