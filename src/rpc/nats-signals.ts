import { isJsonObject } from '#model/json-object.ts';
import type { SignalBodies, SignalName, Signals } from '#protocol/signals.ts';
import type { Broker } from './broker.ts';
import { InProcessSignals } from './in-process-signals.ts';

/** Whether what came under a name is what that signal carries: other versions are heard here too. */
const isBody: { [Name in SignalName]: (value: Record<string, unknown>) => boolean } = {
  'conductors.changed': ({ hostname, online }) => typeof hostname === 'string' && typeof online === 'boolean',
  'events.added': () => true,
  'turns.freed': () => true,
};

/** Signals to every process at the broker. Those of this process it hears itself, also while the broker is away. */
export class NatsSignals implements Signals {
  readonly #broker: Broker;
  readonly #here = new InProcessSignals();
  /** Which signals are our own, that come back from the broker. */
  readonly #self = crypto.randomUUID();

  constructor(broker: Broker) {
    this.#broker = broker;
    for (const name of Object.keys(isBody) as SignalName[]) this.#hearFromOthers(name);
  }

  tell<Name extends SignalName>(name: Name, body: SignalBodies[Name]): void {
    this.#here.tell(name, body);
    if (!this.#broker.isConnected || this.#broker.connection.isClosed()) return;
    const message = JSON.stringify({ from: this.#self, body });
    this.#broker.connection.publish(this.#broker.subjects.signal(name), message);
  }

  on<Name extends SignalName>(name: Name, hear: (body: SignalBodies[Name]) => void): () => void {
    return this.#here.on(name, hear);
  }

  #hearFromOthers<Name extends SignalName>(name: Name): void {
    this.#broker.connection.subscribe(this.#broker.subjects.signal(name), {
      callback: (error, message) => {
        if (error) return;
        const { from, body } = read(message.string());
        if (from === this.#self || !isJsonObject(body) || !isBody[name](body)) return;
        // isBody looked.
        this.#here.tell(name, body as SignalBodies[Name]);
      },
    });
  }
}

function read(text: string): { from?: unknown; body?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
