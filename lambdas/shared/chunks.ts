/** Divides a list, in its order, into lists of at most `size` elements; `size` is at least 1. */
export function chunksOf<T>(all: readonly T[], size: number): (readonly T[])[] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, index) => all.slice(index * size, (index + 1) * size));
}
