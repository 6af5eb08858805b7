// The faults of composing and reading an image.

/** A path, label or date that the file system cannot carry as it was given. */
export class IsoInputInvalid extends Error {
  override readonly name = 'IsoInputInvalid';
}

/** A base file is no longer what the image was laid out for, so its bytes cannot be served any more. */
export class IsoSourceChanged extends Error {
  override readonly name = 'IsoSourceChanged';
  readonly path: string;

  constructor(path: string, found: string, options?: ErrorOptions) {
    super(`cannot read ${path} for an ISO image: ${found}; compose the image again`, options);
    this.path = path;
  }
}
