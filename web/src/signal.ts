/** A value that tells its readers when it changes: the only state mechanism of this page. */

export class Signal<T> {
  readonly #readers = new Set<(value: T) => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const reader of [...this.#readers]) reader(value);
  }

  /** Call `reader` now and at each change. */
  watch(reader: (value: T) => void): void {
    this.#readers.add(reader);
    reader(this.#value);
  }

  /** Call `reader` at each later change. */
  onChange(reader: (value: T) => void): void {
    this.#readers.add(reader);
  }
}
