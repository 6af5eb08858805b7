// What can go wrong between a conductor and the agent on a machine. Tokens never stand in the messages.

/** Nothing answered at the agent's address: it is not there any more, not there yet, or cannot be reached. */
export class AgentUnreachable extends Error {
  override readonly name = 'AgentUnreachable';
  readonly url: string;
  /** The request cannot have arrived, so it may be sent again whatever it asks for. */
  readonly neverArrived: boolean;

  constructor(url: string, reason: string, options: { neverArrived: boolean; cause?: unknown }) {
    super(`The agent at ${url} cannot be reached: ${reason}.`, { cause: options.cause });
    this.url = url;
    this.neverArrived = options.neverArrived;
  }
}

/** The agent carries out another command and takes one at a time. */
export class AgentBusy extends Error {
  override readonly name = 'AgentBusy';

  constructor(url: string) {
    super(`The agent at ${url} is busy with another command.`);
  }
}

/** A command ran and failed; the message is the agent's. */
export class AgentCommandFailed extends Error {
  override readonly name = 'AgentCommandFailed';
  readonly command: string;
  /** The agent's class of fault: ImageChecksumError. */
  readonly type: string;

  constructor(what: string, failure: { command: string; type: string; message: string }) {
    super(`The agent failed at ${what}: ${failure.message}`);
    this.command = failure.command;
    this.type = failure.type;
  }
}

/** The agent went away in the middle of its work, for good as far as can be told. */
export class AgentLost extends Error {
  override readonly name = 'AgentLost';
}

/** The agent's address, as a heartbeat gave it, is none that a conductor may call. */
export class AgentUrlInvalid extends Error {
  override readonly name = 'AgentUrlInvalid';

  constructor(reason: string, options?: ErrorOptions) {
    super(`The agent's callback URL cannot be used: ${reason}.`, options);
  }
}
