/** Splits a list, in order, into lists of at most `size` elements. @param size 1 or more */
export function chunksOf<T>(all: readonly T[], size: number): (readonly T[])[] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, index) => all.slice(index * size, (index + 1) * size));
}
