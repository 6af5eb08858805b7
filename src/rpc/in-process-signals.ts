import type { SignalBodies, SignalName, Signals } from '#protocol/signals.ts';

/** Signals within this process: each is heard in a turn of its own, as one from elsewhere would be. */
export class InProcessSignals implements Signals {
  readonly #hearers = new Map<SignalName, Set<(body: never) => void>>();

  tell<Name extends SignalName>(name: Name, body: SignalBodies[Name]): void {
    for (const hear of this.#hearers.get(name) ?? [])
      // `on` puts hearers under the name whose body they take.
      queueMicrotask(() => (hear as (body: SignalBodies[Name]) => void)(body));
  }

  on<Name extends SignalName>(name: Name, hear: (body: SignalBodies[Name]) => void): () => void {
    const hearers = this.#hearers.get(name) ?? new Set();
    this.#hearers.set(name, hearers);
    hearers.add(hear);
    return () => hearers.delete(hear);
  }
}
