/** What is on a disk, as a word for all of its bytes. */
export interface Disk {
  readonly serial: string;
  content: string;
  /** How often anything was written to it, but for erasing. */
  writes: number;
}

export const blank = 'blank';

/** What an image of that digest is on a disk. */
export const imageContent = (digest: string): string => `image ${digest}`;

export function aDisk(serial: string): Disk {
  // It comes with what its last owner left.
  return { serial, content: `of before ${serial}`, writes: 0 };
}
