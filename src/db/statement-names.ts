/** How many statements each session of the server keeps prepared. */
const maxNamed = 300;
/** How many texts are remembered as seen once. */
const maxSeen = 1000;

/**
 * Which statements are worth preparing by name: those that come again. Filters and lists of values combine to texts
 * that come once, and each prepared one costs memory in every session for as long as that lasts.
 */
export class StatementNames {
  readonly #named = new Map<string, string>();
  readonly #seen = new Set<string>();

  /** The name to prepare the statement under; undefined for one that is not prepared. */
  of(sql: string): string | undefined {
    const name = this.#named.get(sql);
    if (name !== undefined) return name;
    if (this.#seen.delete(sql) && this.#named.size < maxNamed) {
      const next = `s${this.#named.size + 1}`;
      this.#named.set(sql, next);
      return next;
    }
    if (this.#seen.size >= maxSeen) this.#seen.clear();
    this.#seen.add(sql);
    return undefined;
  }
}
