// The faults of the agent. `type` and `code` go over the wire in a command's error or an HTTP answer; their names
// are ironic-python-agent's (IPA errors.py), because conductors and their logs know them.

/** Every fault the agent reports on purpose. The message is for an operator and never holds a secret. */
export abstract class AgentFault extends Error {
  abstract readonly type: string;
  readonly code: number = 500;
}

/** A request or the parameters of a command that cannot be understood. */
export class InvalidContent extends AgentFault {
  readonly type = 'InvalidContentError';
  override readonly code = 400;
}

export class UnknownExtension extends AgentFault {
  readonly type = 'RequestedObjectNotFoundError';
  override readonly code = 404;
  constructor(extension: string) {
    super(`This agent has no extension named "${extension}"`);
  }
}

export class UnknownCommand extends AgentFault {
  readonly type = 'InvalidCommandError';
  override readonly code = 400;
  constructor(command: string) {
    super(`This agent has no command named "${command}"`);
  }
}

export class CommandNotFound extends AgentFault {
  readonly type = 'RequestedObjectNotFoundError';
  override readonly code = 404;
  constructor(id: string) {
    super(`No command with the id "${id}" was sent to this agent`);
  }
}

export class NoSuchPath extends AgentFault {
  readonly type = 'NotFound';
  override readonly code = 404;
  constructor(method: string, path: string) {
    super(`The agent answers nothing to ${method} ${path}`);
  }
}

export class WrongToken extends AgentFault {
  readonly type = 'Unauthorized';
  override readonly code = 401;
  constructor() {
    super('The agent token is missing or not the one this agent was given');
  }
}

export class AgentIsBusy extends AgentFault {
  readonly type = 'AgentIsBusy';
  override readonly code = 409;
  constructor(running: string) {
    super(`Agent is busy executing ${running}`);
  }
}

export class BodyTooLarge extends AgentFault {
  readonly type = 'RequestEntityTooLarge';
  override readonly code = 413;
  constructor(limit: number) {
    super(`The request's body is larger than the ${limit} bytes an agent reads`);
  }
}

/** The steps were listed by other versions of the hardware managers than those running now. */
export class VersionMismatch extends AgentFault {
  readonly type = 'VersionMismatch';
}

/** A parameter that a command does not know; conductors leave it out and ask again on this very type. */
export class UnexpectedParameter extends AgentFault {
  readonly type = 'TypeError';
  constructor(command: string, parameter: string) {
    super(`${command}() got an unexpected keyword argument '${parameter}'`);
  }
}

export class UnknownStep extends AgentFault {
  readonly type = 'HardwareManagerMethodNotFound';
  constructor(kind: string, step: string) {
    super(`This agent has no ${kind} step named "${step}"`);
  }
}

export class InvalidKernelParameter extends AgentFault {
  readonly type = 'InvalidKernelParameter';
  constructor(name: string, value: string, expected: string) {
    super(`The kernel parameter ${name} is "${value}", which is not ${expected}`);
  }
}

/** No disk is the one that was asked for, or what was asked for cannot be understood. */
export class DeviceNotFound extends AgentFault {
  readonly type = 'DeviceNotFound';
}

export class DiskTooSmall extends AgentFault {
  readonly type = 'ImageWriteError';
  constructor(image: string, needed: string, device: string, size: number) {
    super(`The disk is too small: image ${image} needs ${needed} bytes, ${device} has ${size} bytes`);
  }
}

export class ImageRefused extends AgentFault {
  readonly type = 'InvalidImage';
}

export class ImageDownloadFailed extends AgentFault {
  readonly type = 'ImageDownloadError';
}

export class ImageChecksumWrong extends AgentFault {
  readonly type = 'ImageChecksumError';
  constructor(image: string, algorithm: string, expected: string, actual: string) {
    super(`Image ${image} failed its ${algorithm} check: expected ${expected}, the image has ${actual}`);
  }
}

/** A disk that does not hold what was written to it, or has no usable partition table afterwards. */
export class ImageWriteFailed extends AgentFault {
  readonly type = 'ImageWriteError';
}

export class ConfigDriveFailed extends AgentFault {
  readonly type = 'InvalidConfigDrive';
}

export class EraseFailed extends AgentFault {
  readonly type = 'BlockDeviceEraseError';
}

export class LookupFailed extends AgentFault {
  readonly type = 'LookupNodeError';
}

/** The API has given this node's token to somebody before: whoever that was, this agent must not act. */
export class TokenUnknown extends AgentFault {
  readonly type = 'AgentTokenError';
  constructor() {
    super(
      "The API keeps this node's agent token to itself because it was handed out before, and no token came with " +
        'the kernel parameters: refusing to go on. A reboot through the API makes a new token.',
    );
  }
}

export class InspectionFailed extends AgentFault {
  readonly type = 'InspectionError';
}
