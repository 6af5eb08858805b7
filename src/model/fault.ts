// What every fault of the API is: an error with a published name, an HTTP status and typed fields.

/** The facts of a fault, by name: plain JSON, since they also travel between processes. Never a secret. */
export type FaultFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** A fault as it travels from a conductor to the API. */
export interface FaultWire {
  readonly name: string;
  readonly status: number;
  readonly message: string;
  readonly fields: FaultFields;
}

export interface FaultOptions {
  /** What led to it; goes to the log, not into the message. */
  readonly cause?: unknown;
  /** Another status than the fault's own, where the API publishes another for one route. */
  readonly status?: number;
}

export class Fault<F extends FaultFields = FaultFields> extends Error {
  /** The published name: `NodeLocked`. */
  readonly faultName: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  readonly fields: F;

  constructor(faultName: string, status: number, message: string, fields: F, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = faultName;
    this.faultName = faultName;
    this.status = options.status ?? status;
    this.fields = fields;
  }

  /** The fault as plain data. The cause stays behind: it may hold what only this process should see. */
  toWire(): FaultWire {
    return { name: this.faultName, status: this.status, message: this.message, fields: this.fields };
  }
}

/** A class for one kind of fault, with a message made of its fields. `new NodeLocked({ node, host })`. */
export function fault<F extends FaultFields>(name: string, status: number, message: (fields: F) => string) {
  return class extends Fault<F> {
    static readonly faultName: string = name;
    static readonly status: number = status;

    constructor(fields: F, options?: FaultOptions) {
      super(name, status, message(fields), fields, options);
    }
  };
}

/** A class for a kind of fault that is told in a sentence of its own each time. `new Invalid('...')`. */
export function textFault(name: string, status: number, whenSilent = '') {
  return class extends Fault<{ text: string }> {
    static readonly faultName: string = name;
    static readonly status: number = status;

    constructor(said: string | { text: string } = whenSilent, options?: FaultOptions) {
      const fields = typeof said === 'string' ? { text: said } : said;
      super(name, status, fields.text, fields, options);
    }
  };
}
