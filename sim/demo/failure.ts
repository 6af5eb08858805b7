/** Something the demo set out to show is not so. */
export class DemoFailure extends Error {
  override readonly name: string = 'DemoFailure';
}

/** A machine did not get where it was going. */
export class MachineFailure extends DemoFailure {
  override readonly name = 'MachineFailure';
  readonly machine: string;
  readonly lastError: string | null;

  constructor(machine: string, what: string, lastError: string | null, options?: ErrorOptions) {
    super(`${machine} ${what}`, options);
    this.machine = machine;
    this.lastError = lastError;
  }
}
