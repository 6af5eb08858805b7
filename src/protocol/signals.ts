// What processes tell each other in passing. A signal may be lost, or come twice: it says that it is worth looking,
// and what is so stands in the store.

/** Every signal with what it carries. */
export interface SignalBodies {
  /** A conductor joined (`online`) or left: rings are to be made anew. */
  'conductors.changed': { hostname: string; online: boolean };
  /** There are new events to read. */
  'events.added': Record<string, never>;
  /** A place became free for an operation that waits for its turn. */
  'turns.freed': Record<string, never>;
}

export type SignalName = keyof SignalBodies;

/** Tells signals to every process, this one too, and hears them. Never throws: a signal that cannot be sent is lost. */
export interface Signals {
  tell<Name extends SignalName>(name: Name, body: SignalBodies[Name]): void;
  /** Calls `hear` for each signal until the function given back is called. */
  on<Name extends SignalName>(name: Name, hear: (body: SignalBodies[Name]) => void): () => void;
}
