// Keeps credentials out of what is written down, when the text comes from the other side.

const longestText = 400;

/** The secrets of one connection. */
export class Secrets {
  readonly #known = new Set<string>();

  add(...secrets: string[]): void {
    for (const secret of secrets) if (secret !== '') this.#known.add(secret);
  }

  forget(secret: string): void {
    this.#known.delete(secret);
  }

  /** `text` on one line, not too long, with no known secret and no query or user of a URL in it. */
  hide(text: string): string {
    let hidden = text.replaceAll(/(https?:\/\/)[^\s/@"']*@/gi, '$1').replaceAll(/\?[^\s"']*/g, '?…');
    for (const secret of [...this.#known].toSorted((a, b) => b.length - a.length)) {
      hidden = hidden.replaceAll(secret, '******');
    }
    // oxlint-disable-next-line no-control-regex -- they would forge lines of a log
    hidden = hidden.replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, ' ').trim();
    return hidden.length > longestText ? `${hidden.slice(0, longestText)}…` : hidden;
  }
}
