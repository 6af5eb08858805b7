/** What a thrown thing says of itself: whatever is thrown, though all that we throw is an Error. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
