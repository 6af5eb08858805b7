/** The measurement cannot be made, or what is measured gave a wrong answer; the message is for the person who ran it. */
export class BenchError extends Error {
  constructor(sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'BenchError';
  }
}
