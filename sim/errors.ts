// What the sim can refuse, each with the HTTP status its control API answers.

export class SimError extends Error {
  readonly status: number = 500;
}

export class UnknownMachine extends SimError {
  override readonly name = 'UnknownMachine';
  override readonly status = 404;
  constructor(id: string) {
    super(`The sim has no machine with the name or UUID "${id}".`);
  }
}

export class MachineExists extends SimError {
  override readonly name = 'MachineExists';
  override readonly status = 409;
  constructor(what: string) {
    super(`The sim already has a machine with ${what}.`);
  }
}

export class BadRequest extends SimError {
  override readonly name = 'BadRequest';
  override readonly status = 400;
}

export class NoSuchRoute extends SimError {
  override readonly name = 'NoSuchRoute';
  override readonly status = 404;
  constructor(method: string, path: string) {
    super(`The sim has no ${method} ${path}.`);
  }
}

/** Why a boot device did not start anything: what firmware would print before it tries the next one. */
export class BootFailure extends SimError {
  override readonly name = 'BootFailure';
}
