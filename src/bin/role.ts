/** What a process is: everything, or one of the parts that scale apart. */
export const roles = ['all-in-one', 'api', 'conductor'] as const;
export type Role = (typeof roles)[number];
